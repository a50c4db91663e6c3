-- Writes one entry at the end of a log whose row is locked by this transaction, and answers its offset.
CREATE FUNCTION write_entry_v1(
    p_log text, p_kind smallint, p_id text, p_author text, p_client_id text, p_subject text, p_content text
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_log log%ROWTYPE;
BEGIN
    UPDATE log SET head = head + 1 WHERE id = p_log RETURNING * INTO STRICT v_log;
    INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, subject, content)
    VALUES (
        p_log, v_log.head, p_kind, p_id, p_author, p_client_id,
        floor(extract(epoch FROM clock_timestamp()) * 1000), v_log.posts, p_subject, p_content
    );
    RETURN v_log.head;
END
$$
