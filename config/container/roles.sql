-- Run once, by the image of PostgreSQL when it makes the database: the daemon's role, which owns the database and is no
-- superuser, and the one that only reads. Every migration grants the reader what it reads (database.reader_role).
\getenv database_password DATABASE_PASSWORD
\getenv reader_password READER_PASSWORD
CREATE ROLE tidegate LOGIN PASSWORD :'database_password';
CREATE ROLE tidegate_reader LOGIN PASSWORD :'reader_password';
SELECT format('ALTER DATABASE %I OWNER TO tidegate', current_database()) \gexec
