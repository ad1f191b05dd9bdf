-- The values of the fields that an organisation gives its issues: one row for each issue and field.
SELECT
    id AS issue_id,
    repo,
    number,
    (field->>'$.issue_field_id')::BIGINT AS field_id,
    field->>'$.issue_field_name' AS field,
    field->>'$.data_type' AS data_type,
    CASE field->>'$.data_type'
        WHEN 'multi_select' THEN to_json(field->>'$.multi_select_options[*].name')::VARCHAR
        ELSE coalesce(field->>'$.single_select_option.name', field->>'$.value')
    END AS value,
    _origin
FROM (SELECT id, repo, number, _origin, unnest(from_json(fields, '["JSON"]')) AS field FROM {{ source('issues') }})
ORDER BY repo, number, field_id, _origin
