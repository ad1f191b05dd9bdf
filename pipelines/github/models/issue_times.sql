-- How long closed issues took: from being opened, and from being begun, to being closed.
SELECT
    issue.repo,
    issue.number,
    issue.title,
    issue.type,
    issue.created_at,
    begun.moment AS started_at,
    issue.closed_at,
    round(date_diff('minute', issue.created_at, issue.closed_at) / 1440.0, 2) AS lead_days,
    round(date_diff('minute', begun.moment, issue.closed_at) / 1440.0, 2) AS cycle_days,
    issue._origin
FROM {{ source('issues') }} AS issue
LEFT JOIN (
    -- Begun is first assigned: what `issue_events` tells, where it is read.
    SELECT issue_id, _origin, min(created_at) AS moment
    FROM {{ source('issue_events') }}
    WHERE event = 'assigned'
    GROUP BY issue_id, _origin
) AS begun
    ON begun.issue_id = issue.id AND begun._origin = issue._origin AND begun.moment <= issue.closed_at
WHERE issue.is_pull IS NULL
    AND issue.state = 'closed'
    AND coalesce(issue.state_reason, 'completed') = 'completed'
ORDER BY issue.closed_at DESC, issue.id
