-- Open issues, without pull requests.
SELECT number, title, updated_at
FROM {{ source('issues') }}
WHERE state = 'open' AND is_pull IS NULL
ORDER BY number
