-- How long pull requests waited for a review and for their merge. Reviews only where `reviews` is read.
SELECT
    pull.repo,
    pull.number,
    pull.title,
    pull.author,
    pull.state,
    pull.created_at,
    review.moment AS reviewed_at,
    pull.merged_at,
    round(date_diff('minute', pull.created_at, review.moment) / 60.0, 2) AS hours_to_review,
    round(date_diff('minute', pull.created_at, pull.merged_at) / 60.0, 2) AS hours_to_merge,
    pull._origin
FROM {{ source('pulls') }} AS pull
LEFT JOIN (
    SELECT review.pull_id, review._origin, min(review.submitted_at) AS moment
    FROM {{ source('reviews') }} AS review
    JOIN {{ source('pulls') }} AS pull ON pull.id = review.pull_id AND pull._origin = review._origin
    WHERE review.author IS DISTINCT FROM pull.author
    GROUP BY review.pull_id, review._origin
) AS review ON review.pull_id = pull.id AND review._origin = pull._origin
ORDER BY pull.created_at DESC, pull.id
