-- Open issues and pull requests that nobody touched for `stale_days` days, those of archived repositories left
-- out. `now()` is made UTC, as all times here are, whatever zone the reader's session is in.
SELECT
    repo,
    number,
    title,
    CASE WHEN is_pull IS NULL THEN 'issue' ELSE 'pull request' END AS kind,
    assignees,
    date_sub('day', updated_at, make_timestamp(epoch_us(now()))) AS days,
    updated_at,
    url
FROM {{ source('issues') }}
WHERE state = 'open'
    AND repo_id NOT IN (SELECT id FROM {{ source('repos') }} WHERE archived)
    AND date_sub('day', updated_at, make_timestamp(epoch_us(now()))) >= {{ var('stale_days') }}
ORDER BY updated_at, id
