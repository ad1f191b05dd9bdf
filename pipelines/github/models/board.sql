-- The items of all boards with their status, where projects are read.
WITH projects AS (
    SELECT * FROM {{ source('user_projects') }}
    UNION ALL BY NAME
    SELECT * FROM {{ source('org_projects') }}
),
items AS (
    SELECT * FROM {{ source('user_project_items') }}
    UNION ALL BY NAME
    SELECT * FROM {{ source('org_project_items') }}
),
states AS (
    SELECT id, field
    FROM (SELECT id, unnest(from_json(fields, '["JSON"]')) AS field FROM items)
    WHERE field->>'$.name' = 'Status'
)
SELECT
    project.owner,
    project.title AS project,
    coalesce(states.field->>'$.value.name.raw', states.field->>'$.value.name') AS status,
    item.content_type AS kind,
    issue.repo,
    item.content_number AS number,
    item.title,
    issue.state,
    item.archived_at IS NOT NULL AS archived,
    item.url
FROM items AS item
JOIN projects AS project ON project.id = item.project_id
LEFT JOIN states ON states.id = item.id
LEFT JOIN {{ source('issues') }} AS issue ON issue.url = item.url
ORDER BY project.owner, project.title, status, item.id
