-- Everybody who works or took part in a repository, each once, as they were when they were last read. Only where
-- `repo_users` is read.
SELECT
    user_id AS id,
    arg_max(node_id, _fetched_at) AS node_id,
    arg_max(login, _fetched_at) AS login,
    arg_max_null(name, _fetched_at) AS name,
    arg_max_null(company, _fetched_at) AS company,
    arg_max_null(location, _fetched_at) AS location,
    arg_max(url, _fetched_at) AS url,
    count(*) AS repos,
    _origin
FROM {{ source('repo_users') }}
GROUP BY user_id, _origin
ORDER BY login, id, _origin
