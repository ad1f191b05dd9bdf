-- Nothing that is ready waits for an open issue.
SELECT ready.repo, ready.number
FROM {{ ref('ready_issues') }} AS ready
JOIN {{ ref('blocked_issues') }} AS blocked
    ON blocked.repo = ready.repo AND blocked.number = ready.number AND blocked._origin = ready._origin
