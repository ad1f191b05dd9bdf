-- What planwright's runs cost, by issue and role; a cost is null where a model's prices are unknown.
SELECT
    issue,
    role,
    count(*) AS turns,
    sum(input + cache_read + cache_write) AS input_tokens,
    sum(output) AS output_tokens,
    CASE WHEN count(cost) = count(*) THEN round(sum(cost), 4) END AS cost,
    min(ended_at) AS first_turn,
    max(ended_at) AS last_turn
FROM {{ source('ledger') }}
GROUP BY issue, role
ORDER BY issue, role
