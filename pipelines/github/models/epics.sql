-- Issues with sub-issues, and how far they are.
SELECT
    epic.repo,
    epic.number,
    epic.title,
    epic.state,
    count(*) AS sub_issues,
    count(*) FILTER (WHERE coalesce(child.state = 'closed', edge.child_closed_at IS NOT NULL)) AS closed,
    count(*) FILTER (WHERE blocked.id IS NOT NULL) AS blocked,
    (100 * count(*) FILTER (WHERE coalesce(child.state = 'closed', edge.child_closed_at IS NOT NULL))) // count(*) AS percent,
    coalesce(any_value(path.length), 0) AS critical_path,
    epic.updated_at,
    epic._origin
FROM {{ source('issues') }} AS epic
JOIN {{ source('sub_issues') }} AS edge ON edge.parent_id = epic.id AND edge._origin = epic._origin
LEFT JOIN {{ source('issues') }} AS child ON child.id = edge.child_id AND child._origin = epic._origin
LEFT JOIN {{ ref('blocked_issues') }} AS blocked ON blocked.id = edge.child_id AND blocked._origin = epic._origin
LEFT JOIN {{ ref('critical_paths') }} AS path ON path.epic_id = epic.id AND path._origin = epic._origin
GROUP BY epic.id, epic.repo, epic.number, epic.title, epic.state, epic.updated_at, epic._origin
ORDER BY epic.repo, epic.number, epic._origin
