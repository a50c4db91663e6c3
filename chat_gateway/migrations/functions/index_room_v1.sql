-- Takes what was read of a room into the search index. Two statements, so two snapshots: a text that was deleted while it
-- was being cut into tokens is seen as deleted under the lock, and stays out.
CREATE FUNCTION index_room_v1(p_room text, p_upto bigint, p_rows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM log WHERE log.id = 'room:' || p_room FOR NO KEY UPDATE;

    DELETE FROM search
    USING jsonb_to_recordset(p_rows) AS given ("offset" bigint)
    WHERE search.room_id = p_room AND search."offset" = given."offset";

    INSERT INTO search (room_id, "offset", author, at, folded, tokens, grams, has_link)
    SELECT
        p_room, given."offset", given.author, given.at, given.folded, array_to_tsvector(given.tokens),
        array_to_tsvector(given.grams), given.has_link
    FROM jsonb_to_recordset(p_rows) AS given (
        "offset" bigint, entry bigint, author text, at bigint, folded text, tokens text[], grams text[], has_link boolean
    )
    JOIN entry ON entry.log_id = 'room:' || p_room AND entry."offset" = given.entry
        AND NOT starts_with(entry.content, '{"deleted":true')
    WHERE NOT EXISTS (
        SELECT FROM message
        WHERE message.room_id = p_room AND message."offset" = given."offset" AND message.deleted
    );

    INSERT INTO search_cursor (log_id, "offset") VALUES ('room:' || p_room, p_upto)
    ON CONFLICT (log_id) DO UPDATE SET "offset" = greatest(search_cursor."offset", excluded."offset");
END
$$
