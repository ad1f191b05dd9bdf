-- Open issues and pull requests that nobody touched for `stale_days` days.
SELECT
    repo,
    number,
    title,
    CASE WHEN is_pull IS NULL THEN 'issue' ELSE 'pull request' END AS kind,
    assignees,
    date_diff('day', updated_at, now()::TIMESTAMP) AS days,
    updated_at,
    url
FROM {{ source('issues') }}
WHERE state = 'open'
    AND date_diff('day', updated_at, now()::TIMESTAMP) >= {{ var('stale_days') }}
ORDER BY updated_at, id
