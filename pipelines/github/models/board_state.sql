-- How many items each board has in each status, archived ones left out.
SELECT
    owner,
    project,
    coalesce(status, 'none') AS status,
    count(*) AS items,
    count(*) FILTER (WHERE state = 'open') AS open,
    _origin
FROM {{ ref('board') }}
WHERE NOT archived
GROUP BY ALL
ORDER BY owner, project, status, _origin
