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
        JOIN {{ source('issues') }} AS waiting ON waiting.id = dependency.issue_id AND waiting.state = 'open'
        WHERE dependency.blocked_by_id = issue.id
    ) AS unblocks,
    issue.created_at
FROM {{ source('issues') }} AS issue
WHERE issue.state = 'open'
    AND issue.is_pull IS NULL
    AND issue.repo_id NOT IN (SELECT id FROM {{ source('repos') }} WHERE archived)
    AND issue.id NOT IN (SELECT id FROM {{ ref('blocked_issues') }})
    AND NOT EXISTS (
        SELECT 1
        FROM {{ source('sub_issues') }} AS edge
        LEFT JOIN {{ source('issues') }} AS child ON child.id = edge.child_id
        WHERE edge.parent_id = issue.id AND coalesce(child.state = 'open', edge.child_closed_at IS NULL)
    )
ORDER BY unblocks DESC, issue.created_at, issue.id
