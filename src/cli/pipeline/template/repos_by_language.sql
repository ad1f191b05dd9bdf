-- How many repositories are written in each language, and how many stars they have.
SELECT coalesce(language, 'none') AS language, count(*) AS repos, sum(stars) AS stars
FROM {{ source('repos') }}
GROUP BY ALL
ORDER BY repos DESC, language
