-- Makes one change that was decided outside (core/decisions.py), if what it was decided from still holds.
-- Each statement has a snapshot of its own: the facts are read again only after the locks, so whatever was committed
-- while this waited for them is seen, and then nothing is written. There is no round trip of ours under a lock.
-- Users' logs that are written to are made before any lock is held, so that waiting for another's insert cannot be part of a deadlock.
-- Answers {"stale": facts}, or {"epoch", "at", "entries": the rows written}.
CREATE FUNCTION apply_v1(p_question jsonb, p_expected jsonb, p_effects jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_logs text[];
    v_facts jsonb;
    v_now bigint;
    v_effect jsonb;
    v_log log%ROWTYPE;
    v_entry entry%ROWTYPE;
    v_first entry%ROWTYPE;
    v_known jsonb;
    v_entries jsonb := '[]';
BEGIN
    v_logs := ARRAY(
        SELECT 'room:' || (p_question ->> 'room') UNION SELECT jsonb_array_elements_text(p_question -> 'logs')
    );
    INSERT INTO log (id)
    SELECT DISTINCT effect ->> 'log' FROM jsonb_array_elements(p_effects) AS given (effect)
    WHERE effect ->> 'type' = 'Write' AND starts_with(effect ->> 'log', 'user:') ORDER BY 1
    ON CONFLICT DO NOTHING;
    PERFORM 1 FROM log WHERE log.id = ANY (v_logs) ORDER BY log.id FOR NO KEY UPDATE;

    v_facts := facts_v1(p_question);
    IF v_facts <> p_expected THEN
        RETURN jsonb_build_object('stale', v_facts);
    END IF;

    v_now := floor(extract(epoch FROM clock_timestamp()) * 1000);
    v_known := jsonb_build_object('now', v_now);
    FOR v_effect IN SELECT * FROM jsonb_array_elements(p_effects) LOOP
        CASE v_effect ->> 'type'
        WHEN 'OpenLog' THEN
            INSERT INTO log (id) VALUES (v_effect ->> 'log');
        WHEN 'Write' THEN
            UPDATE log SET head = log.head + 1 WHERE log.id = v_effect ->> 'log' RETURNING * INTO STRICT v_log;
            INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, subject, content)
            VALUES (
                v_log.id, v_log.head, (v_effect ->> 'kind')::smallint, v_effect ->> 'id', p_question ->> 'author',
                p_question ->> 'client_id', v_now, v_log.posts, v_effect ->> 'subject', v_effect ->> 'content'
            ) RETURNING * INTO STRICT v_entry;
            IF v_entries = '[]' THEN
                v_known := jsonb_build_object('now', v_now, 'offset', v_entry."offset", 'posts', v_entry.posts);
            END IF;
            v_entries := v_entries || jsonb_build_object(
                'log', v_entry.log_id, 'offset', v_entry."offset", 'kind', v_entry.kind, 'id', v_entry.id,
                'at', v_entry.at, 'posts', v_entry.posts, 'subject', v_entry.subject, 'content', v_entry.content
            );
        WHEN 'Scrub' THEN
            UPDATE entry SET content = scrubbed.value
            FROM jsonb_each_text(v_effect -> 'contents') AS scrubbed
            WHERE entry.log_id = v_effect ->> 'log' AND entry."offset" = scrubbed.key::bigint;
        ELSE
            EXECUTE row_statement_v1(v_effect, v_known);
        END CASE;
    END LOOP;
    RETURN jsonb_build_object('epoch', (SELECT epoch.epoch FROM epoch), 'at', v_now, 'entries', v_entries);
END
$$
