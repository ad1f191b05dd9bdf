-- Open issues and pull requests that nobody touched for `stale_days` days, those of archived repositories left
-- out. `now()` is made UTC, as all times here are, whatever zone the reader's session is in.
SELECT
    issue.repo,
    issue.number,
    issue.title,
    CASE WHEN issue.is_pull IS NULL THEN 'issue' ELSE 'pull request' END AS kind,
    issue.assignees,
    date_sub('day', issue.updated_at, make_timestamp(epoch_us(now()))) AS days,
    issue.updated_at,
    issue.url,
    issue._origin
FROM {{ source('issues') }} AS issue
ANTI JOIN {{ source('repos') }} AS archived
    ON archived.id = issue.repo_id AND archived._origin = issue._origin AND archived.archived
WHERE issue.state = 'open'
    AND date_sub('day', issue.updated_at, make_timestamp(epoch_us(now()))) >= {{ var('stale_days') }}
ORDER BY issue.updated_at, issue.id, issue._origin
