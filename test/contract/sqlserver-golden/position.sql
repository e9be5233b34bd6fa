SELECT CONVERT(varchar(3), d.snapshot_isolation_state) AS snapshot_state, CONVERT(nvarchar(128), DATABASEPROPERTYEX(d.name, 'Updateability')) AS updateability, CONVERT(varchar(3), d.delayed_durability) AS delayed, CONVERT(varchar(3), SERVERPROPERTY('EngineEdition')) AS edition, CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')) AS server, d.name AS "database", CONVERT(varchar(11), d.database_id) AS id, CONVERT(varchar(23), d.create_date, 126) AS created FROM sys.databases AS d WHERE d.database_id = DB_ID();

SELECT CONVERT(varchar(36), recovery_fork_guid) AS fork FROM sys.database_recovery_status WHERE database_id = DB_ID();

SELECT CONVERT(varchar(20), CHANGE_TRACKING_CURRENT_VERSION()) AS tracking, CONVERT(varchar(20), CONVERT(bigint, MIN_ACTIVE_ROWVERSION())) AS row_version;

DECLARE @held int; EXEC @held = sp_getapplock @Resource = N'tidemark.snapshot', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 10000; SELECT CONVERT(varchar(11), @held) AS held;

DECLARE @now datetime2(7) = SYSUTCDATETIME(); SELECT CONVERT(varchar(20), DATEDIFF_BIG(microsecond, CONVERT(datetime2(7), '1970-01-01', 23), @now)) AS order_us, LEFT(CONVERT(varchar(27), @now, 126), 26) + 'Z' AS as_of;

SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION;

SELECT TOP (1) '1' AS touched FROM "s]c""h'e.ma"."t""]; DROP TABLE canary; --" AS t;

EXEC sp_releaseapplock @Resource = N'tidemark.snapshot', @LockOwner = 'Session';

SELECT CONVERT(varchar(20), CHANGE_TRACKING_CURRENT_VERSION()) AS tracking, CONVERT(varchar(20), CONVERT(bigint, @@DBTS)) AS row_version;
