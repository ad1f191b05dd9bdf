-- The files of releases, and how often each was downloaded.
SELECT
    repo,
    tag,
    asset->>'$.name' AS name,
    (asset->>'$.size')::BIGINT AS bytes,
    (asset->>'$.download_count')::BIGINT AS downloads,
    published_at,
    _origin
FROM (
    SELECT repo, tag, published_at, _origin, unnest(from_json(assets, '["JSON"]')) AS asset
    FROM {{ source('releases') }}
)
ORDER BY repo, published_at, name, _origin
