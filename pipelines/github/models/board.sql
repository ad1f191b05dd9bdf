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
cells AS (
    SELECT id, _origin, unnest(from_json(fields, '["JSON"]')) AS field
    FROM items
),
states AS (
    SELECT id, _origin, any_value(field) AS field
    FROM cells
    WHERE field->>'$.name' = 'Status'
    GROUP BY id, _origin
),
-- The title's value names the issue, of a pull request too, by an id that a rename or transfer does not change.
titles AS (
    SELECT id, _origin, max((field->>'$.value.issue_id')::BIGINT) AS issue_id
    FROM cells
    WHERE field->>'$.data_type' = 'title'
    GROUP BY id, _origin
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
    item.url,
    item.project_id,
    item._origin
FROM items AS item
JOIN projects AS project ON project.id = item.project_id AND project._origin = item._origin
LEFT JOIN states ON states.id = item.id AND states._origin = item._origin
LEFT JOIN titles ON titles.id = item.id AND titles._origin = item._origin
LEFT JOIN {{ source('issues') }} AS issue
    ON issue._origin = item._origin
    AND (issue.id = titles.issue_id OR (titles.issue_id IS NULL AND issue.url = item.url))
ORDER BY project.owner, project.title, status, item.id, item._origin
