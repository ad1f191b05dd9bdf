-- Who did what, over all repositories. Reviews only where `reviews` is read.
WITH did AS (
    SELECT author AS login, 'issue' AS what, created_at AS moment FROM {{ source('issues') }} WHERE is_pull IS NULL
    UNION ALL
    SELECT author, 'comment', created_at FROM {{ source('issue_comments') }}
    UNION ALL
    SELECT author, 'pull', created_at FROM {{ source('pulls') }}
    UNION ALL
    SELECT author, 'merged', merged_at FROM {{ source('pulls') }} WHERE merged_at IS NOT NULL
    UNION ALL
    -- An answer to a review is itself a review; those of one's own pull requests are no work of a reviewer.
    SELECT review.author, 'review', review.submitted_at
    FROM {{ source('reviews') }} AS review
    JOIN {{ source('pulls') }} AS pull ON pull.id = review.pull_id
    WHERE review.author IS DISTINCT FROM pull.author AND review.submitted_at IS NOT NULL
)
SELECT
    login,
    count(*) FILTER (WHERE what = 'issue') AS issues,
    count(*) FILTER (WHERE what = 'comment') AS comments,
    count(*) FILTER (WHERE what = 'pull') AS pull_requests,
    count(*) FILTER (WHERE what = 'merged') AS merged,
    count(*) FILTER (WHERE what = 'review') AS reviews,
    min(moment) AS first_seen,
    max(moment) AS last_seen
FROM did
WHERE login IS NOT NULL
GROUP BY login
ORDER BY last_seen DESC, login
