-- How many open issues below an epic must be done one after the other, at the least.
WITH RECURSIVE below AS (
    SELECT parent_id AS epic_id, child_id AS id, _origin
    FROM {{ source('sub_issues') }}
    UNION
    SELECT below.epic_id, edge.child_id, below._origin
    FROM below
    JOIN {{ source('sub_issues') }} AS edge ON edge.parent_id = below.id AND edge._origin = below._origin
),
waiting AS (
    SELECT below.epic_id, below.id, below._origin
    FROM below
    JOIN {{ source('issues') }} AS issue
        ON issue.id = below.id AND issue._origin = below._origin AND issue.state = 'open'
),
chain AS (
    SELECT epic_id, id, _origin, 1 AS length
    FROM waiting
    UNION
    -- Where issues wait for each other in a circle, no chain ends; it is given up at 100.
    SELECT chain.epic_id, waiting.id, chain._origin, chain.length + 1
    FROM chain
    JOIN {{ source('issue_dependencies') }} AS dependency
        ON dependency.blocked_by_id = chain.id AND dependency._origin = chain._origin
    JOIN waiting
        ON waiting.id = dependency.issue_id AND waiting.epic_id = chain.epic_id AND waiting._origin = chain._origin
    WHERE chain.length < 100
)
SELECT epic_id, max(length) AS length, _origin
FROM chain
GROUP BY epic_id, _origin
