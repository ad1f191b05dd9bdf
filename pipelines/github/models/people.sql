-- Who did what, over all repositories of a server. Reviews only where `reviews` is read.
WITH did AS (
    SELECT author AS login, 'issue' AS what, created_at AS moment, _origin
    FROM {{ source('issues') }}
    WHERE is_pull IS NULL
    UNION ALL
    SELECT author, 'comment', created_at, _origin FROM {{ source('issue_comments') }}
    UNION ALL
    SELECT author, 'pull', created_at, _origin FROM {{ source('pulls') }}
    UNION ALL
    SELECT author, 'merged', merged_at, _origin FROM {{ source('pulls') }} WHERE merged_at IS NOT NULL
    UNION ALL
    -- An answer to a review is itself a review; those of one's own pull requests are no work of a reviewer.
    SELECT review.author, 'review', review.submitted_at, review._origin
    FROM {{ source('reviews') }} AS review
    JOIN {{ source('pulls') }} AS pull ON pull.id = review.pull_id AND pull._origin = review._origin
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
    max(moment) AS last_seen,
    _origin
FROM did
WHERE login IS NOT NULL
GROUP BY login, _origin
ORDER BY last_seen DESC, login, _origin
