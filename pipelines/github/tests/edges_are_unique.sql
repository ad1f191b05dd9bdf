-- An edge is there once.
SELECT parent_id, child_id, _origin, count(*) AS times
FROM {{ source('sub_issues') }}
GROUP BY ALL
HAVING count(*) > 1
UNION ALL
SELECT issue_id, blocked_by_id, _origin, count(*)
FROM {{ source('issue_dependencies') }}
GROUP BY ALL
HAVING count(*) > 1
