-- What can be begun now, over all repositories that are not archived: open, no open blocker, no blocked ancestor,
-- nothing open below.
SELECT
    issue.repo,
    issue.number,
    issue.title,
    issue.url,
    (
        SELECT count(*)
        FROM {{ source('issue_dependencies') }} AS dependency
        JOIN {{ source('issues') }} AS waiting
            ON waiting.id = dependency.issue_id AND waiting._origin = dependency._origin AND waiting.state = 'open'
        WHERE dependency.blocked_by_id = issue.id AND dependency._origin = issue._origin
    ) AS unblocks,
    issue.created_at,
    issue._origin
FROM {{ source('issues') }} AS issue
ANTI JOIN {{ source('repos') }} AS archived
    ON archived.id = issue.repo_id AND archived._origin = issue._origin AND archived.archived
ANTI JOIN {{ ref('blocked_issues') }} AS blocked ON blocked.id = issue.id AND blocked._origin = issue._origin
WHERE issue.state = 'open'
    AND issue.is_pull IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM {{ source('sub_issues') }} AS edge
        LEFT JOIN {{ source('issues') }} AS child ON child.id = edge.child_id AND child._origin = edge._origin
        WHERE edge.parent_id = issue.id
            AND edge._origin = issue._origin
            AND coalesce(child.state = 'open', edge.child_closed_at IS NULL)
    )
ORDER BY unblocks DESC, issue.created_at, issue.id, issue._origin
