SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 AND t."v'; --" IS NOT NULL AND (DATEPART(nanosecond, t."v'; --") % 1000 <> 0 OR (t."v'; --" < CONVERT(datetime2(7), N'0001-01-02T00:00:00', 126) OR t."v'; --" >= CONVERT(datetime2(7), N'9999-12-31T00:00:00', 126))) THEN 1 END)) AS "unfit_2" FROM "s]c""h'e.ma"."t""]; DROP TABLE canary; --" AS t;

SELECT '0', CONVERT(varchar(20), t."id"), CONVERT(varchar(27), t."changed_at", 126), CONVERT(varchar(max), CONVERT(varbinary(max), t."rv"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."id") FROM "dbo"."orders" AS t;
