-- Open issues that cannot be begun: an open issue blocks them or one of their ancestors.
WITH RECURSIVE blocked AS (
    SELECT dependency.issue_id AS id, dependency._origin
    FROM {{ source('issue_dependencies') }} AS dependency
    LEFT JOIN {{ source('issues') }} AS blocker
        ON blocker.id = dependency.blocked_by_id AND blocker._origin = dependency._origin
    WHERE coalesce(blocker.state = 'open', dependency.blocked_by_closed_at IS NULL)
    UNION
    SELECT edge.child_id, edge._origin
    FROM {{ source('sub_issues') }} AS edge
    JOIN blocked ON blocked.id = edge.parent_id AND blocked._origin = edge._origin
)
SELECT issue.id, issue.repo, issue.number, issue.title, issue._origin
FROM {{ source('issues') }} AS issue
JOIN blocked ON blocked.id = issue.id AND blocked._origin = issue._origin
WHERE issue.state = 'open'
