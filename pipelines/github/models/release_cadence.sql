-- How often repositories are released, drafts left out.
WITH published AS (
    SELECT
        repo_id,
        _origin,
        repo,
        tag,
        published_at,
        date_diff(
            'minute', lag(published_at) OVER (PARTITION BY repo_id, _origin ORDER BY published_at, id), published_at
        ) / 1440.0 AS days
    FROM {{ source('releases') }}
    WHERE NOT draft
)
SELECT
    repo,
    count(*) AS releases,
    arg_max(tag, published_at) AS last_tag,
    max(published_at) AS last_published,
    round(median(days), 2) AS median_days,
    _origin
FROM published
GROUP BY repo_id, repo, _origin
ORDER BY last_published DESC, repo, _origin
