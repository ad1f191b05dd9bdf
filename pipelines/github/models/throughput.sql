-- What came and what was done, by repository and week.
WITH happened AS (
    SELECT repo, created_at AS moment, 'opened' AS what, _origin FROM {{ source('issues') }} WHERE is_pull IS NULL
    UNION ALL
    SELECT repo, closed_at, 'closed', _origin FROM {{ source('issues') }} WHERE is_pull IS NULL
    UNION ALL
    SELECT repo, merged_at, 'merged', _origin FROM {{ source('pulls') }}
    UNION ALL
    SELECT repo, published_at, 'released', _origin FROM {{ source('releases') }} WHERE NOT draft
)
SELECT
    repo,
    date_trunc('week', moment)::DATE AS week,
    count(*) FILTER (WHERE what = 'opened') AS issues_opened,
    count(*) FILTER (WHERE what = 'closed') AS issues_closed,
    count(*) FILTER (WHERE what = 'merged') AS pulls_merged,
    count(*) FILTER (WHERE what = 'released') AS releases,
    _origin
FROM happened
WHERE moment IS NOT NULL
GROUP BY ALL
ORDER BY week DESC, repo, _origin
