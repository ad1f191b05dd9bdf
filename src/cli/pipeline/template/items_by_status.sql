-- How many items are open, and how many are done.
SELECT status, count(*) AS items
FROM {{ source('items') }}
GROUP BY status
ORDER BY items DESC, status
