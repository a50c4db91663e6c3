-- facts_v1 as of revision 0004: whose account was deleted is no owner any more, and who inherits a room can be asked for.
-- The name stays: a release that does not ask for `heir` passes over the answer.
-- Answers core/facts.py's Facts to one of its Questions, as JSON, from one snapshot. Knows nothing of what they mean.
-- STABLE: the snapshot is that of the statement that calls it. Each part is a probe of an index, and what the question
-- does not name is not looked up. The room's head is in no fact: every post would make the facts stale. A generic plan,
-- because planning this takes ten times as long as running it, and there is one right plan.
CREATE OR REPLACE FUNCTION facts_v1(p_question jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    p_room text := p_question ->> 'room';
    p_author text := p_question ->> 'author';
    p_client_id text := p_question ->> 'client_id';
    p_message text := p_question ->> 'message';
    p_emoji text := coalesce(p_question ->> 'emoji', '');
    p_invite text := p_question ->> 'invite';
    p_is_admission boolean := coalesce((p_question ->> 'admission')::boolean, false);
    p_is_departure boolean := coalesce((p_question ->> 'departure')::boolean, false);
    p_is_heir boolean := coalesce((p_question ->> 'heir')::boolean, false);
    v_message entry%ROWTYPE;
BEGIN
    IF p_message IS NOT NULL THEN
        -- By the id alone: with the log beside it a plan may walk the whole log.
        SELECT * INTO v_message
        FROM (SELECT * FROM entry WHERE entry.id = p_message AND entry.kind = 1 OFFSET 0) AS found
        WHERE found.log_id = 'room:' || p_room;
    END IF;
    RETURN (SELECT jsonb_build_object(
        'room', (
            SELECT jsonb_build_object(
                'name', room.name, 'kind', room.kind, 'topic', room.topic,
                'read_only', room.read_only, 'archived', room.archived
            ) FROM room WHERE room.id = p_room
        ),
        'members', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'user', asked.user_id, 'role', theirs.role, 'status', theirs.status,
                'person', CASE who.disabled WHEN false THEN 'enabled' WHEN true THEN 'disabled' END,
                'rooms', CASE WHEN p_is_admission THEN (
                    SELECT count(*) FROM member WHERE member.user_id = asked.user_id AND member.status = 'joined'
                ) ELSE 0 END
            ) ORDER BY asked.i), '[]')
            FROM jsonb_array_elements_text(p_question -> 'users') WITH ORDINALITY AS asked (user_id, i)
            LEFT JOIN LATERAL (
                SELECT member.role, member.status FROM member
                WHERE member.room_id = p_room AND member.user_id = asked.user_id LIMIT 1
            ) AS theirs ON true
            LEFT JOIN LATERAL (
                SELECT person.disabled FROM person WHERE person.id = asked.user_id LIMIT 1
            ) AS who ON true
        ),
        'repeats', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'log', old.log_id, 'offset', old."offset", 'kind', old.kind, 'id', old.id, 'at', old.at,
                'posts', old.posts, 'subject', old.subject, 'content', old.content,
                'thread', old.thread, 'thread_posts', old.thread_posts
            ) ORDER BY asked.i), '[]')
            FROM jsonb_array_elements_text(p_question -> 'logs') WITH ORDINALITY AS asked (log_id, i)
            CROSS JOIN LATERAL (
                SELECT * FROM entry WHERE entry.author = p_author AND entry.client_id = p_client_id
                    AND entry.log_id = asked.log_id LIMIT 1
            ) AS old
        ),
        'message', CASE WHEN v_message.id IS NOT NULL THEN (
            SELECT jsonb_build_object(
                'id', v_message.id, 'offset', v_message."offset", 'author', v_message.author, 'at', v_message.at,
                'content', v_message.content, 'thread', v_message.thread,
                'body', state.body, 'edits', coalesce(state.edits, 0), 'deleted', coalesce(state.deleted, false),
                'pinned', state.pinned_at IS NOT NULL, 'thread_posts', coalesce(state.thread_posts, 0),
                'author_role', (
                    SELECT member.role FROM member
                    WHERE member.room_id = p_room AND member.user_id = v_message.author AND member.status = 'joined'
                ),
                'reported', EXISTS (
                    SELECT FROM report WHERE report.room_id = p_room AND report."offset" = v_message."offset"
                        AND report.reporter = p_author
                ),
                'edit_entries', (
                    SELECT coalesce(jsonb_agg(revision.entry ORDER BY revision.n), '[]') FROM revision
                    WHERE revision.room_id = p_room AND revision.message = v_message."offset"
                ),
                'reacted', EXISTS (
                    SELECT FROM reaction WHERE reaction.room_id = p_room AND reaction.message = v_message."offset"
                        AND reaction.emoji = p_emoji AND reaction.user_id = p_author
                ),
                'used', EXISTS (
                    SELECT FROM reaction WHERE reaction.room_id = p_room AND reaction.message = v_message."offset"
                        AND reaction.emoji = p_emoji
                ),
                'emojis', CASE WHEN p_emoji <> '' THEN (
                    -- One probe per emoji, however many people used it.
                    WITH RECURSIVE used AS (
                        SELECT (
                            SELECT min(reaction.emoji) FROM reaction
                            WHERE reaction.room_id = p_room AND reaction.message = v_message."offset"
                        ) AS emoji
                        UNION ALL
                        SELECT (
                            SELECT min(reaction.emoji) FROM reaction WHERE reaction.room_id = p_room
                                AND reaction.message = v_message."offset" AND reaction.emoji > used.emoji
                        ) FROM used WHERE used.emoji IS NOT NULL
                    ) SELECT count(used.emoji) FROM used
                ) ELSE 0 END,
                'pins', (
                    SELECT count(*) FROM message WHERE message.room_id = p_room AND message.pinned_at > 0
                )
            )
            FROM (SELECT) AS one
            LEFT JOIN LATERAL (
                SELECT * FROM message
                WHERE message.room_id = p_room AND message."offset" = v_message."offset" LIMIT 1
            ) AS state ON true
        ) END,
        'marker', CASE WHEN p_question ? 'offset' AND v_message.id IS NOT NULL THEN (
            SELECT jsonb_build_object(
                'marker', coalesce(mine.marker, 0), 'offset', coalesce(last."offset", 0),
                'posts', coalesce(last.thread_posts, 0)
            )
            FROM (SELECT) AS one
            LEFT JOIN LATERAL (
                SELECT thread_member.marker FROM thread_member
                WHERE thread_member.user_id = p_author AND thread_member.room_id = p_room
                    AND thread_member.root = v_message."offset" LIMIT 1
            ) AS mine ON true
            LEFT JOIN LATERAL (
                SELECT entry."offset", entry.thread_posts FROM entry
                WHERE entry.thread = v_message.id AND entry."offset" <= (p_question ->> 'offset')::bigint
                ORDER BY entry."offset" DESC LIMIT 1
            ) AS last ON true
        ) WHEN p_question ? 'offset' AND p_message IS NULL THEN (
            SELECT jsonb_build_object(
                'marker', member.marker, 'offset', target."offset",
                'posts', coalesce((
                    SELECT entry.posts FROM entry
                    WHERE entry.log_id = 'room:' || p_room AND entry."offset" = target."offset"
                ), 0)
            )
            FROM member
            CROSS JOIN LATERAL (
                SELECT least((p_question ->> 'offset')::bigint, log.head) AS "offset"
                FROM log WHERE log.id = 'room:' || p_room LIMIT 1
            ) AS target
            WHERE member.room_id = p_room AND member.user_id = p_author
        ) END,
        'thread', CASE WHEN v_message.id IS NOT NULL THEN (
            SELECT jsonb_build_object(
                'follows', mine.follows, 'muted', mine.muted,
                'marker', mine.marker, 'marker_posts', mine.marker_posts
            )
            FROM thread_member AS mine
            WHERE mine.user_id = p_author AND mine.room_id = p_room AND mine.root = v_message."offset"
        ) END,
        'invite', CASE WHEN p_invite IS NOT NULL THEN (
            SELECT jsonb_build_object(
                'room', invite.room_id,
                'usable', invite.uses_left > 0
                    AND invite.expires_at > floor(extract(epoch FROM clock_timestamp()) * 1000)
            )
            FROM invite WHERE invite.token_hash = p_invite
        ) END,
        'blocked', EXISTS (
            SELECT FROM jsonb_array_elements_text(p_question -> 'users') AS asked (user_id)
            CROSS JOIN LATERAL (
                SELECT FROM block WHERE block.user_id = asked.user_id AND block.blocked_id = p_author LIMIT 1
            ) AS theirs
        -- CASE keeps the order: nobody's members but those of such a room are gone through.
        ) OR coalesce(CASE WHEN v_message.id IS NOT NULL AND (
            SELECT room.kind = 'direct' AND room.members = 2 FROM room WHERE room.id = p_room
        ) THEN EXISTS (
            SELECT FROM member
            JOIN block ON block.user_id = member.user_id AND block.blocked_id = p_author
            WHERE member.room_id = p_room AND member.user_id <> p_author
        ) END, false),
        'others', CASE WHEN p_is_departure THEN (
            SELECT jsonb_build_object(
                'members', room.members > 1,
                'owners', EXISTS (
                    SELECT FROM member WHERE member.room_id = p_room AND member.role = 'owner'
                        AND member.status = 'joined' AND member.user_id <> p_author
                        AND NOT EXISTS (
                            SELECT FROM person
                            WHERE person.id = member.user_id AND person.disabled AND person.name = ''
                        )
                )
            )
            FROM room WHERE room.id = p_room
        ) END,
        -- The subqueries in the conditions are probes for one person: a join could read all people.
        'heir', CASE WHEN p_is_heir THEN coalesce((
            SELECT member.user_id FROM member
            WHERE member.room_id = p_room AND member.role = 'admin' AND member.status = 'joined'
                AND member.user_id <> p_author
                AND (SELECT NOT person.disabled FROM person WHERE person.id = member.user_id)
            ORDER BY member.since, member.user_id LIMIT 1
        ), (
            SELECT member.user_id FROM member
            WHERE member.room_id = p_room AND member.role = 'member' AND member.status = 'joined'
                AND member.user_id <> p_author
                AND (SELECT NOT person.disabled FROM person WHERE person.id = member.user_id)
            ORDER BY member.since, member.user_id LIMIT 1
        )) END
    ));
END
$$
