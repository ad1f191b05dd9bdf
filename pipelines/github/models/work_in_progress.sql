-- What is being worked on, over all repositories: open issues that somebody has, and open pull requests.
SELECT
    issue.repo,
    issue.number,
    issue.title,
    CASE
        WHEN issue.is_pull IS NULL THEN 'issue'
        WHEN pull.draft THEN 'draft'
        ELSE 'pull request'
    END AS kind,
    CASE WHEN json_array_length(issue.assignees) > 0 THEN issue.assignees ELSE json_array(issue.author) END AS who,
    blocked.id IS NOT NULL AS blocked,
    issue.updated_at,
    issue.url,
    issue._origin
FROM {{ source('issues') }} AS issue
LEFT JOIN {{ source('pulls') }} AS pull
    ON pull.repo_id = issue.repo_id AND pull.number = issue.number AND pull._origin = issue._origin
LEFT JOIN {{ ref('blocked_issues') }} AS blocked ON blocked.id = issue.id AND blocked._origin = issue._origin
WHERE issue.state = 'open'
    AND (issue.is_pull IS NOT NULL OR json_array_length(issue.assignees) > 0)
ORDER BY issue.updated_at DESC, issue.id, issue._origin
