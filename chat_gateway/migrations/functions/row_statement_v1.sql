-- Makes the SQL of an effect on rows (core/effects.py: Put, Set, Drop). Every name is quoted as an identifier and every
-- value as a literal: PostgreSQL gives the literal the column's type. `p_known` has what the effect's `filled` and `before`
-- name.
CREATE FUNCTION row_statement_v1(p_effect jsonb, p_known jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_table text := p_effect ->> 'table';
    v_key jsonb := p_effect -> 'key';
    v_added jsonb := coalesce(p_effect -> 'added', '{}');
    v_filled jsonb;
    v_row jsonb;
    v_where text;
BEGIN
    SELECT coalesce(jsonb_object_agg(filled.key, p_known -> filled.value), '{}') INTO v_filled
    FROM jsonb_each_text(coalesce(p_effect -> 'filled', '{}')) AS filled;
    -- What is filled and added to is the sum of both; what is only added to counts from what stands in the row.
    SELECT v_filled || coalesce(jsonb_object_agg(
        added.key, coalesce((v_filled ->> added.key)::bigint, 0) + added.value::bigint
    ), '{}') INTO v_row
    FROM jsonb_each_text(v_added) AS added;
    v_row := coalesce(p_effect -> 'values', '{}') || v_row;
    v_added := v_added - ARRAY(SELECT jsonb_object_keys(v_filled));

    IF p_effect ->> 'type' = 'Put' THEN
        RETURN (
            SELECT format(
                'INSERT INTO %I AS t (%s) VALUES (%s) ON CONFLICT (%s) DO ',
                v_table, string_agg(format('%I', key), ', '), string_agg(format('%L', value), ', '),
                (SELECT string_agg(format('%I', key), ', ') FROM jsonb_object_keys(v_key) AS key)
            ) FROM jsonb_each_text(v_row || v_key)
        ) || (
            SELECT coalesce('UPDATE SET ' || string_agg(format(
                CASE WHEN v_added ? key THEN '%1$I = t.%1$I + excluded.%1$I' ELSE '%1$I = excluded.%1$I' END, key
            ), ', '), 'NOTHING') FROM jsonb_object_keys(v_row - ARRAY(SELECT jsonb_object_keys(v_key))) AS key
        );
    END IF;
    SELECT string_agg(format('t.%I = %L', key, value), ' AND ') INTO STRICT v_where FROM jsonb_each_text(v_key);
    IF p_effect ->> 'type' = 'Drop' THEN
        RETURN format('DELETE FROM %I AS t WHERE %s', v_table, v_where) || coalesce((
            SELECT string_agg(format(
                ' AND t.%I < %L', key, (p_known ->> value)::bigint + coalesce((v_added ->> key)::bigint, 0)
            ), '') FROM jsonb_each_text(p_effect -> 'before')
        ), '');
    END IF;
    RETURN format('UPDATE %I AS t SET %s WHERE %s', v_table, (
        SELECT string_agg(format(
            CASE WHEN v_added ? key THEN '%1$I = t.%1$I + %2$L' ELSE '%1$I = %2$L' END, key, value
        ), ', ') FROM jsonb_each_text(v_row)
    ), v_where);
END
$$
