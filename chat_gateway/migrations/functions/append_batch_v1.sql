-- Appends a batch of posts. Two statements, so two snapshots: the second one sees whatever was committed while the first
-- waited for the locks (a removal, the same client_id from another gateway). One statement that locks and reads does not.
-- Only rows that are inserted take an offset, so there is never a gap. Refusals and conflicts are answered row by row.
-- status: 0 written, 1 a repeat (id, at, posts are the first result's), else minus the number of a Refusal.
CREATE FUNCTION append_batch_v1(
    p_rooms text[], p_ids text[], p_authors text[], p_client_ids text[], p_contents text[], p_kind smallint
) RETURNS TABLE (i bigint, status integer, epoch text, "offset" bigint, id text, at bigint, posts bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint;
BEGIN
    PERFORM 1 FROM log
    WHERE log.id IN (SELECT DISTINCT 'room:' || room_id FROM unnest(p_rooms) AS given (room_id))
    ORDER BY log.id FOR NO KEY UPDATE;
    v_now := floor(extract(epoch FROM clock_timestamp()) * 1000);

    RETURN QUERY
    -- LATERAL probes and MATERIALIZED keep a plan that was cached on small tables right for big ones.
    WITH given AS MATERIALIZED (
        SELECT 'room:' || room_id AS log_id, t.*
        FROM unnest(p_rooms, p_ids, p_authors, p_client_ids, p_contents)
            WITH ORDINALITY AS t (room_id, id, author, client_id, content, i)
    ), allowed AS MATERIALIZED (
        SELECT given.*, own.head, own.posts, own.log_row, mine.member_row
        FROM given
        CROSS JOIN LATERAL (
            SELECT log.head, log.posts, log.ctid AS log_row FROM log WHERE log.id = given.log_id LIMIT 1
        ) AS own
        CROSS JOIN LATERAL (
            SELECT member.ctid AS member_row FROM member
            WHERE member.room_id = given.room_id AND member.user_id = given.author AND member.status = 'joined' LIMIT 1
        ) AS mine
    ), found AS MATERIALIZED (
        SELECT allowed.i, old.*, old.kind = p_kind AND old.content = allowed.content AS is_same
        FROM allowed
        CROSS JOIN LATERAL (
            SELECT entry."offset", entry.id, entry.at, entry.posts, entry.kind, entry.content FROM entry
            WHERE entry.author = allowed.author AND entry.client_id = allowed.client_id
                AND entry.log_id = allowed.log_id LIMIT 1
        ) AS old
    ), first AS MATERIALIZED (
        SELECT DISTINCT ON (log_id, author, client_id) allowed.*
        FROM allowed
        WHERE NOT EXISTS (SELECT FROM found WHERE found.i = allowed.i)
        ORDER BY log_id, author, client_id, i
    ), fresh AS MATERIALIZED (
        SELECT first.*, head + row_number() OVER in_log AS "offset", posts + row_number() OVER in_log AS total
        FROM first
        WINDOW in_log AS (PARTITION BY log_id ORDER BY i)
    ), written AS (
        INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)
        SELECT log_id, "offset", p_kind, id, author, client_id, v_now, total, content FROM fresh
    ), advanced AS (
        -- Rows are found again by ctid: under the logs' locks nobody else moves them, and no plan can scan for it.
        UPDATE log SET head = last.head, posts = last.posts
        FROM (SELECT log_row, max("offset") AS head, max(total) AS posts FROM fresh GROUP BY log_row) AS last
        WHERE log.ctid = last.log_row
    ), marked AS (
        UPDATE member SET marker = last.marker, marker_posts = last.posts
        FROM (
            SELECT member_row, max("offset") AS marker, max(total) AS posts FROM fresh GROUP BY member_row
        ) AS last
        WHERE member.ctid = last.member_row
    )
    SELECT
        given.i,
        CASE
            WHEN found.is_same THEN 1
            WHEN found.i IS NOT NULL THEN -4
            WHEN fresh.i IS NULL THEN -1
            WHEN fresh.i = given.i THEN 0
            WHEN fresh.content = given.content THEN 1
            ELSE -4
        END,
        (SELECT epoch.epoch FROM epoch),
        coalesce(found."offset", fresh."offset"),
        coalesce(found.id, fresh.id),
        coalesce(found.at, v_now),
        coalesce(found.posts, fresh.total)
    FROM given
    LEFT JOIN found ON found.i = given.i
    LEFT JOIN fresh ON fresh.log_id = given.log_id AND fresh.author = given.author
        AND fresh.client_id = given.client_id AND found.i IS NULL
    ORDER BY given.i;
END
$$
