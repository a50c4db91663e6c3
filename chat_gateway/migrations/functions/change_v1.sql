-- Makes one change of a room or a membership: locks the room's log and the log of the user it concerns, in id order,
-- then decides in new statements, so in snapshots taken after the locks. A change writes `p_content` to the room's log
-- and `p_notice` to the user's (a marker only the notice). The user's log is made when it is first needed: before any
-- lock is held, so that waiting for another's insert cannot be part of a deadlock.
-- status: 0 written, 1 a repeat, 2 nothing to change, else minus the number of a Refusal; `marker` is the author's own.
CREATE FUNCTION change_v1(
    p_verb text, p_room text, p_id text, p_author text, p_client_id text, p_subject text, p_kind smallint,
    p_content text, p_notice_id text, p_notice_kind smallint, p_notice text,
    p_name text, p_room_kind text, p_offset bigint, p_max_rooms integer
) RETURNS TABLE (
    status integer, epoch text, marker bigint, log_id text, "offset" bigint, kind smallint, id text, at bigint,
    posts bigint, subject text, content text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_room_log text := 'room:' || p_room;
    v_user_log text := 'user:' || p_subject;
    v_main text := CASE WHEN p_verb = 'marker' THEN v_user_log ELSE v_room_log END;
    v_room room%ROWTYPE;
    v_me member%ROWTYPE;
    v_them member%ROWTYPE;
    v_log log%ROWTYPE;
    v_old entry%ROWTYPE;
    v_notice text := p_notice;
    v_target bigint;
    v_posts bigint;
    v_status integer;
BEGIN
    -- A removal may name anybody: no log is made for one who never was in the room.
    IF p_verb <> 'remove'
        OR EXISTS (SELECT FROM member WHERE member.room_id = p_room AND member.user_id = p_subject) THEN
        INSERT INTO log (id) VALUES (v_user_log) ON CONFLICT DO NOTHING;
    END IF;
    PERFORM 1 FROM log WHERE log.id IN (v_room_log, v_user_log) ORDER BY log.id FOR NO KEY UPDATE;

    SELECT * INTO v_room FROM room WHERE room.id = p_room;
    SELECT * INTO v_log FROM log WHERE log.id = v_room_log;
    SELECT * INTO v_me FROM member
        WHERE member.room_id = p_room AND member.user_id = p_author AND member.status = 'joined';
    SELECT * INTO v_them FROM member
        WHERE member.room_id = p_room AND member.user_id = p_subject AND member.status = 'joined';
    SELECT * INTO v_old FROM entry
        WHERE entry.author = p_author AND entry.client_id = p_client_id AND entry.log_id = v_main;
    v_target := least(p_offset, v_log.head);

    IF NOT coalesce(CASE p_verb
        WHEN 'create' THEN v_room.id IS NULL OR v_me.user_id IS NOT NULL
        WHEN 'join' THEN v_room.kind = 'public' OR v_me.user_id IS NOT NULL
        WHEN 'leave' THEN v_me.user_id IS NOT NULL OR v_old.kind = p_kind
        ELSE v_me.user_id IS NOT NULL
    END, false) THEN
        v_status := -1;
    ELSIF v_old.id IS NOT NULL THEN
        v_status := CASE WHEN CASE p_verb
            WHEN 'marker' THEN v_old.kind = p_notice_kind AND v_old.content::json ->> 'room' = p_room
                AND (v_old.content::json ->> 'offset')::bigint <= p_offset
            ELSE v_old.kind = p_kind AND v_old.subject = p_subject AND v_old.content = p_content
                AND (p_verb <> 'create' OR (v_room.name = p_name AND v_room.kind = p_room_kind))
        END THEN 1 ELSE -4 END;
    ELSIF (p_verb = 'join' AND v_me.user_id IS NOT NULL)
        OR (p_verb = 'marker' AND v_target <= v_me.marker) THEN
        v_status := 2;
    ELSIF EXISTS (
        SELECT FROM entry
        WHERE entry.author = p_author AND entry.client_id = p_client_id AND entry.log_id = v_user_log
    ) THEN
        v_status := -4;
    ELSIF p_verb IN ('create', 'join') AND p_max_rooms <= (
        SELECT count(*) FROM member WHERE member.user_id = p_author AND member.status = 'joined'
    ) THEN
        v_status := -5;
    ELSIF p_verb = 'remove' AND v_them.user_id IS NULL THEN
        v_status := -3;
    ELSIF p_verb = 'remove' AND v_me.role <> 'owner' AND NOT (v_me.role = 'admin' AND v_them.role = 'member') THEN
        v_status := -2;
    ELSE
        v_status := 0;
    END IF;

    IF v_status = 0 THEN
        IF p_verb = 'create' THEN
            INSERT INTO log (id) VALUES (v_room_log);
            INSERT INTO room (id, name, kind, created_at, created_by) VALUES (
                p_room, p_name, p_room_kind, floor(extract(epoch FROM clock_timestamp()) * 1000), p_author
            );
        END IF;
        IF p_verb = 'marker' THEN
            SELECT entry.posts INTO STRICT v_posts FROM entry
                WHERE entry.log_id = v_room_log AND entry."offset" = v_target;
            UPDATE member SET marker = v_target, marker_posts = v_posts
                WHERE member.room_id = p_room AND member.user_id = p_author;
            v_notice := left(p_notice, -1) || ',"offset":' || v_target || ',"posts":' || v_posts || '}';
        ELSE
            v_target := write_entry_v1(v_room_log, p_kind, p_id, p_author, p_client_id, p_subject, p_content);
        END IF;
        IF p_verb IN ('create', 'join') THEN
            -- The marker starts at the own joining, so that nothing is unread; who comes back is a plain member.
            INSERT INTO member (room_id, user_id, role, status, marker, marker_posts) VALUES (
                p_room, p_author, CASE p_verb WHEN 'create' THEN 'owner' ELSE 'member' END, 'joined',
                v_target, coalesce(v_log.posts, 0)
            ) ON CONFLICT (room_id, user_id) DO UPDATE SET
                role = excluded.role, status = excluded.status,
                marker = excluded.marker, marker_posts = excluded.marker_posts;
        ELSIF p_verb IN ('leave', 'remove') THEN
            UPDATE member SET status = CASE p_verb WHEN 'leave' THEN 'left' ELSE 'removed' END
                WHERE member.room_id = p_room AND member.user_id = p_subject;
        END IF;
        PERFORM write_entry_v1(v_user_log, p_notice_kind, p_notice_id, p_author, p_client_id, NULL, v_notice);
    END IF;

    RETURN QUERY
    SELECT
        v_status, epoch.epoch,
        (SELECT member.marker FROM member WHERE member.room_id = p_room AND member.user_id = p_author),
        written.log_id, written."offset", written.kind, written.id, written.at,
        written.posts, written.subject, written.content
    FROM epoch
    LEFT JOIN entry AS written ON v_status IN (0, 1)
        AND written.author = p_author AND written.client_id = p_client_id
        AND (written.log_id = v_user_log OR (written.log_id = v_room_log AND p_verb <> 'marker'));
END
$$
