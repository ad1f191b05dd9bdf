-- How many items each board has in each status, archived ones left out, and how its project does by its latest
-- status update, where those are read.
WITH updates AS (
    SELECT * FROM {{ source('user_project_status_updates') }}
    UNION ALL BY NAME
    SELECT * FROM {{ source('org_project_status_updates') }}
),
latest AS (
    SELECT DISTINCT ON (project_id, _origin) project_id, _origin, status, target_date
    FROM updates
    ORDER BY project_id, _origin, created_at DESC, id DESC
),
counted AS (
    SELECT
        owner,
        project,
        coalesce(status, 'none') AS status,
        count(*) AS items,
        count(*) FILTER (WHERE state = 'open') AS open,
        project_id,
        _origin
    FROM {{ ref('board') }}
    WHERE NOT archived
    GROUP BY ALL
)
SELECT
    counted.owner,
    counted.project,
    counted.status,
    counted.items,
    counted.open,
    latest.status AS health,
    latest.target_date,
    counted._origin
FROM counted
LEFT JOIN latest ON latest.project_id = counted.project_id AND latest._origin = counted._origin
ORDER BY counted.owner, counted.project, counted.status, counted._origin
