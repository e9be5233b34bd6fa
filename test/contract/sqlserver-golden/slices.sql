SELECT CASE WHEN TRY_CONVERT(datetime2(3), N'2026-01-31T10:00:00', 126) IS NULL THEN '0' ELSE '1' END AS "l0";

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN (t."changed_at" IS NULL OR t."changed_at" >= CONVERT(datetime2(3), N'2026-01-31T10:00:00', 126)) THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN t."changed_at" IS NULL THEN 1 END)) AS without_cursor FROM "dbo"."orders" AS t;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t WHERE (t."changed_at" IS NULL OR t."changed_at" >= CONVERT(datetime2(3), N'2026-01-31T10:00:00', 126));

SELECT CASE WHEN TRY_CONVERT(datetime2(3), N'2026-01-31T00:00:00', 126) IS NULL THEN '0' ELSE '1' END AS "l0", CASE WHEN TRY_CONVERT(datetime2(3), N'2026-02-31T10:00:00', 126) IS NULL THEN '0' ELSE '1' END AS "l1";

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN (t."changed_at" IS NOT NULL AND t."changed_at" >= CONVERT(datetime2(3), N'2026-01-31T00:00:00', 126) AND t."changed_at" < CONVERT(datetime2(3), N'2026-02-31T10:00:00', 126)) THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN t."changed_at" IS NULL THEN 1 END)) AS without_cursor FROM "dbo"."orders" AS t;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t WHERE (t."changed_at" IS NOT NULL AND t."changed_at" >= CONVERT(datetime2(3), N'2026-01-31T00:00:00', 126) AND t."changed_at" < CONVERT(datetime2(3), N'2026-02-31T10:00:00', 126));

SELECT CASE WHEN TRY_CONVERT(bigint, N'1''; DROP TABLE canary; --') IS NULL THEN '0' ELSE '1' END AS "l0";

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN (t."id" IS NOT NULL AND t."id" < CONVERT(bigint, N'1''; DROP TABLE canary; --')) THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN t."changed_at" IS NULL THEN 1 END)) AS without_cursor FROM "dbo"."orders" AS t;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t WHERE (t."id" IS NOT NULL AND t."id" < CONVERT(bigint, N'1''; DROP TABLE canary; --'));

SELECT CASE WHEN TRY_CONVERT(bigint, N'1') IS NULL THEN '0' ELSE '1' END AS "l0", CASE WHEN TRY_CONVERT(binary(8), N'0x00000000000007d1', 1) IS NULL THEN '0' ELSE '1' END AS "l1", CASE WHEN TRY_CONVERT(bigint, N'2') IS NULL THEN '0' ELSE '1' END AS "l2", CASE WHEN TRY_CONVERT(binary(8), N'0x00000000000007D2', 1) IS NULL THEN '0' ELSE '1' END AS "l3";

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN ((t."id" = CONVERT(bigint, N'1') AND t."rv" = CONVERT(binary(8), N'0x00000000000007d1', 1)) OR (t."id" = CONVERT(bigint, N'2') AND t."rv" = CONVERT(binary(8), N'0x00000000000007D2', 1))) THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN t."changed_at" IS NULL THEN 1 END)) AS without_cursor FROM "dbo"."orders" AS t;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t WHERE ((t."id" = CONVERT(bigint, N'1') AND t."rv" = CONVERT(binary(8), N'0x00000000000007d1', 1)) OR (t."id" = CONVERT(bigint, N'2') AND t."rv" = CONVERT(binary(8), N'0x00000000000007D2', 1)));

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN 1 = 0 THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN t."changed_at" IS NULL THEN 1 END)) AS without_cursor FROM "dbo"."orders" AS t;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t WHERE 1 = 0;
