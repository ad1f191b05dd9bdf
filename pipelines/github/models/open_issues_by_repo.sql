-- Open issues and pull requests of every repository, and how long the oldest has waited.
SELECT
    repo.full_name AS repo,
    count(issue.id) FILTER (WHERE issue.is_pull IS NULL) AS issues,
    count(issue.id) FILTER (WHERE issue.is_pull IS NOT NULL) AS pull_requests,
    min(issue.created_at) AS oldest,
    max(issue.updated_at) AS last_touched,
    repo._origin
FROM {{ source('repos') }} AS repo
LEFT JOIN {{ source('issues') }} AS issue
    ON issue.repo_id = repo.id AND issue._origin = repo._origin AND issue.state = 'open'
GROUP BY repo.id, repo.full_name, repo._origin
ORDER BY issues DESC, repo.full_name, repo._origin
