-- Appends a batch of posts. Separate statements, so separate snapshots: those after the first see whatever was committed
-- while it waited for the locks (a removal, the same client_id from another gateway). One that locks and reads does not.
-- Only rows that are inserted take an offset, so there is never a gap. Refusals and conflicts are answered row by row.
-- p_threads and p_reply_tos may be shorter than the others; p_mentions[n] is mentioned in post number p_mentioned_in[n],
-- from 1. What is answered may be deleted: whoever wrote the answer could not know, and the excerpt says so.
-- status: 0 written, 1 a repeat (all columns are the first result's), else minus the number of a Refusal.
CREATE FUNCTION append_batch_v2(
    p_rooms text[], p_ids text[], p_authors text[], p_client_ids text[], p_contents text[], p_threads text[],
    p_reply_tos text[], p_mentioned_in bigint[], p_mentions text[]
) RETURNS TABLE (
    i bigint, status integer, epoch text, "offset" bigint, id text, at bigint, posts bigint, thread text,
    thread_posts bigint, content text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint;
    v_replies bigint[] := '{}';
    v_verdicts integer[] := '{}';
BEGIN
    PERFORM 1 FROM log
    WHERE log.id IN (SELECT DISTINCT 'room:' || room_id FROM unnest(p_rooms) AS given (room_id))
    ORDER BY log.id FOR NO KEY UPDATE;
    v_now := floor(extract(epoch FROM clock_timestamp()) * 1000);

    -- What few posts need is looked up and written apart, so that the others pay nothing for it.
    IF cardinality(p_threads) > 0 OR cardinality(p_reply_tos) > 0 OR EXISTS (
        SELECT FROM room
        WHERE room.id = ANY (p_rooms) AND (room.archived OR room.read_only OR room.kind = 'direct')
    ) THEN
        SELECT array_agg(judged.replies ORDER BY judged.i), array_agg(judged.verdict ORDER BY judged.i)
        INTO v_replies, v_verdicts
        FROM (
            SELECT
                given.i, coalesce(root.thread_posts, 0) AS replies,
                CASE
                    WHEN room.archived THEN -9
                    WHEN room.read_only AND mine.role = 'member' THEN -8
                    WHEN room.kind = 'direct' AND room.members = 2 AND (
                        SELECT true FROM member
                        JOIN block ON block.user_id = member.user_id AND block.blocked_id = given.author
                        WHERE member.room_id = given.room_id AND member.user_id <> given.author LIMIT 1
                    ) THEN -18
                    WHEN given.thread IS NOT NULL AND (root.id IS NULL OR root.deleted) THEN -6
                    WHEN root.thread IS NOT NULL THEN -7
                    WHEN given.reply_to IS NOT NULL AND answered.id IS NULL THEN -6
                    ELSE 0
                END AS verdict
            FROM unnest(p_rooms, p_authors, p_threads, p_reply_tos)
                WITH ORDINALITY AS given (room_id, author, thread, reply_to, i)
            LEFT JOIN LATERAL (SELECT room.* FROM room WHERE room.id = given.room_id LIMIT 1) AS room ON true
            LEFT JOIN LATERAL (
                SELECT member.role FROM member
                WHERE member.room_id = given.room_id AND member.user_id = given.author LIMIT 1
            ) AS mine ON true
            LEFT JOIN LATERAL (
                -- By the id alone: with the log beside it a plan may walk the whole log.
                SELECT found.id, found.thread, message.deleted, message.thread_posts
                FROM (SELECT * FROM entry WHERE entry.id = given.thread AND entry.kind = 1 OFFSET 0) AS found
                LEFT JOIN message ON message.room_id = given.room_id AND message."offset" = found."offset"
                WHERE found.log_id = 'room:' || given.room_id LIMIT 1
            ) AS root ON given.thread IS NOT NULL
            LEFT JOIN LATERAL (
                SELECT found.id
                FROM (SELECT * FROM entry WHERE entry.id = given.reply_to AND entry.kind = 1 OFFSET 0) AS found
                WHERE found.log_id = 'room:' || given.room_id LIMIT 1
            ) AS answered ON given.reply_to IS NOT NULL
        ) AS judged;
    END IF;

    RETURN QUERY
    -- LATERAL probes and MATERIALIZED keep a plan that was cached on small tables right for big ones.
    WITH given AS MATERIALIZED (
        SELECT 'room:' || room_id AS log_id, t.*
        FROM unnest(p_rooms, p_ids, p_authors, p_client_ids, p_contents, p_threads, v_replies, v_verdicts)
            WITH ORDINALITY AS t (room_id, id, author, client_id, content, thread, replies, verdict, i)
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
        SELECT
            allowed.i, old.*,
            old.kind = 1 AND (
                old.content LIKE '{"deleted":true%'
                OR (old.content = allowed.content AND old.thread IS NOT DISTINCT FROM allowed.thread)
            ) AS is_same
        FROM allowed
        CROSS JOIN LATERAL (
            SELECT
                entry."offset", entry.id, entry.at, entry.posts, entry.kind, entry.content, entry.thread,
                entry.thread_posts
            FROM entry
            WHERE entry.author = allowed.author AND entry.client_id = allowed.client_id
                AND entry.log_id = allowed.log_id LIMIT 1
        ) AS old
    ), first AS MATERIALIZED (
        SELECT DISTINCT ON (log_id, author, client_id) allowed.*
        FROM allowed
        WHERE coalesce(verdict, 0) = 0 AND NOT EXISTS (SELECT FROM found WHERE found.i = allowed.i)
        ORDER BY log_id, author, client_id, i
    ), fresh AS MATERIALIZED (
        SELECT
            first.*,
            head + row_number() OVER in_log AS "offset",
            posts + count(*) FILTER (WHERE thread IS NULL) OVER in_log AS total,
            CASE WHEN thread IS NOT NULL THEN replies + row_number() OVER (PARTITION BY log_id, thread ORDER BY i) END
                AS thread_total
        FROM first
        WINDOW in_log AS (PARTITION BY log_id ORDER BY i ROWS UNBOUNDED PRECEDING)
    ), written AS (
        INSERT INTO entry (
            log_id, "offset", kind, id, author, client_id, at, posts, content, thread, thread_posts
        )
        SELECT log_id, "offset", 1, id, author, client_id, v_now, total, content, thread, thread_total FROM fresh
    ), advanced AS (
        -- Rows are found again by ctid: under the logs' locks nobody else moves them, and no plan can scan for it.
        UPDATE log SET head = last.head, posts = last.posts
        FROM (SELECT log_row, max("offset") AS head, max(total) AS posts FROM fresh GROUP BY log_row) AS last
        WHERE log.ctid = last.log_row
    ), marked AS (
        UPDATE member SET marker = last.marker, marker_posts = last.posts
        FROM (
            SELECT member_row, max("offset") AS marker, max(total) AS posts FROM fresh
            WHERE thread IS NULL GROUP BY member_row
        ) AS last
        WHERE member.ctid = last.member_row
    )
    SELECT
        given.i,
        CASE
            WHEN found.is_same THEN 1
            WHEN found.i IS NOT NULL THEN -4
            WHEN fresh.i = given.i THEN 0
            WHEN fresh.i < given.i THEN CASE
                WHEN fresh.content = given.content AND fresh.thread IS NOT DISTINCT FROM given.thread THEN 1
                ELSE -4
            END
            WHEN allowed.i IS NULL THEN -1
            ELSE allowed.verdict
        END,
        (SELECT epoch.epoch FROM epoch),
        coalesce(found."offset", fresh."offset"),
        coalesce(found.id, fresh.id),
        coalesce(found.at, v_now),
        coalesce(found.posts, fresh.total),
        coalesce(found.thread, fresh.thread),
        coalesce(found.thread_posts, fresh.thread_total),
        found.content
    FROM given
    LEFT JOIN found ON found.i = given.i
    LEFT JOIN allowed ON allowed.i = given.i
    LEFT JOIN fresh ON fresh.log_id = given.log_id AND fresh.author = given.author
        AND fresh.client_id = given.client_id AND found.i IS NULL
    ORDER BY given.i;

    IF cardinality(p_mentions) > 0 THEN
        INSERT INTO mention (user_id, room_id, "offset", author)
        SELECT given.user_id, p_rooms[given.i], own."offset", p_authors[given.i]
        FROM unnest(p_mentioned_in, p_mentions) AS given (i, user_id)
        CROSS JOIN LATERAL (
            SELECT entry."offset", entry.log_id FROM entry
            WHERE entry.id = p_ids[given.i] AND entry.kind = 1 OFFSET 0
        ) AS own
        WHERE own.log_id = 'room:' || p_rooms[given.i]
        ON CONFLICT DO NOTHING;
    END IF;

    IF cardinality(p_threads) > 0 THEN
        WITH reply AS MATERIALIZED (
            SELECT
                p_rooms[given.i] AS room_id, p_authors[given.i] AS author, own."offset", own.at, own.thread_posts,
                root."offset" AS root, root.author AS root_author
            FROM unnest(p_threads) WITH ORDINALITY AS given (thread, i)
            CROSS JOIN LATERAL (
                SELECT entry."offset", entry.log_id, entry.at, entry.thread_posts FROM entry
                WHERE entry.id = p_ids[given.i] AND entry.kind = 1 OFFSET 0
            ) AS own
            CROSS JOIN LATERAL (
                SELECT entry."offset", entry.log_id, entry.author FROM entry
                WHERE entry.id = given.thread AND entry.kind = 1 OFFSET 0
            ) AS root
            WHERE given.thread IS NOT NULL
                AND own.log_id = 'room:' || p_rooms[given.i] AND root.log_id = 'room:' || p_rooms[given.i]
        ), counted AS (
            INSERT INTO message (room_id, "offset", thread_posts, thread_at)
            SELECT room_id, root, max(thread_posts), max(at) FROM reply GROUP BY room_id, root
            ON CONFLICT (room_id, "offset") DO UPDATE SET
                thread_posts = excluded.thread_posts, thread_at = excluded.thread_at
        ), followed AS (
            INSERT INTO thread_member (user_id, room_id, root, follows, marker, marker_posts)
            SELECT author, room_id, root, true, max("offset"), max(thread_posts)
            FROM reply GROUP BY author, room_id, root
            ON CONFLICT (user_id, room_id, root) DO UPDATE SET
                follows = true, marker = excluded.marker, marker_posts = excluded.marker_posts
        )
        -- Whose message is answered follows from then on; who has turned that off is not asked again.
        INSERT INTO thread_member (user_id, room_id, root, follows)
        SELECT DISTINCT root_author, room_id, root, true FROM reply
        WHERE (root_author, room_id, root) NOT IN (SELECT author, room_id, root FROM reply)
        ON CONFLICT DO NOTHING;
    END IF;
END
$$
