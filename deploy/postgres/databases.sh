#!/bin/bash
# At the first start of an empty volume: one database and one role for each service, closed to the other one.
# LC_CTYPE is a UTF-8 one of libc, whatever the image's own is: search by parts of words depends on it.
set -euo pipefail

make_database() {
    psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v name="$1" -v password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0
    ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database auth "$AUTH_DATABASE_PASSWORD"
make_database chat "$CHAT_DATABASE_PASSWORD"
