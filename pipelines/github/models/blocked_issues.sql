-- Open issues that cannot be begun: an open issue blocks them or one of their ancestors.
WITH RECURSIVE blocked AS (
    SELECT dependency.issue_id AS id
    FROM {{ source('issue_dependencies') }} AS dependency
    LEFT JOIN {{ source('issues') }} AS blocker ON blocker.id = dependency.blocked_by_id
    WHERE coalesce(blocker.state = 'open', dependency.blocked_by_closed_at IS NULL)
    UNION
    SELECT edge.child_id
    FROM {{ source('sub_issues') }} AS edge
    JOIN blocked ON blocked.id = edge.parent_id
)
SELECT issue.id, issue.repo, issue.number, issue.title
FROM {{ source('issues') }} AS issue
JOIN blocked ON blocked.id = issue.id
WHERE issue.state = 'open'
