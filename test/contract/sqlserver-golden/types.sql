SELECT '0', CONVERT(varchar(1), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(1), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(20), t."c") AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(20), t."c") AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(20), t."c") AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(20), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(20), t."c") AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(41), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(41), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(30), t."c", 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(30), t."c", 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(30), t."c", 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(30), t."c", 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(32), CONVERT(float, t."c"), 3) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(32), CONVERT(float, t."c"), 3) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(32), t."c", 3) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(32), t."c", 3) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(10), t."c", 23) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(10), t."c", 23) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(10), t."c", 23) AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(23), t."c", 126) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(23), t."c", 126) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 AND t."c" IS NOT NULL AND (t."c" < CONVERT(datetime2(7), N'0001-01-02T00:00:00', 126) OR t."c" >= CONVERT(datetime2(7), N'9999-12-31T00:00:00', 126)) THEN 1 END)) AS "unfit_0" FROM "dbo"."orders" AS t;

SELECT TOP (1) CONVERT(varchar(23), t."c", 126) AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(27), t."c", 126) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(27), t."c", 126) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 AND t."c" IS NOT NULL AND (DATEPART(nanosecond, t."c") % 1000 <> 0 OR (t."c" < CONVERT(datetime2(7), N'0001-01-02T00:00:00', 126) OR t."c" >= CONVERT(datetime2(7), N'9999-12-31T00:00:00', 126))) THEN 1 END)) AS "unfit_0" FROM "dbo"."orders" AS t;

SELECT TOP (1) CONVERT(varchar(27), t."c", 126) AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(27), CONVERT(datetime2(7), SWITCHOFFSET(t."c", '+00:00')), 126) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(34), t."c", 121) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT CONVERT(varchar(20), count_big(*)) AS total, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 THEN 1 END)) AS in_slice, CONVERT(varchar(20), count_big(CASE WHEN 1 = 1 AND t."c" IS NOT NULL AND DATEPART(nanosecond, t."c") % 1000 <> 0 THEN 1 END)) AS "unfit_0" FROM "dbo"."orders" AS t;

SELECT TOP (1) CONVERT(varchar(34), t."c", 121) AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', CONVERT(varchar(16), t."c", 121) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(16), t."c", 121) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', t."c" FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', t."c" FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(36), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(36), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT TOP (1) CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) AS bound FROM "dbo"."orders" AS t ORDER BY t."c" DESC;

SELECT '0', t."c".ToString() FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', t."c".ToString() FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(varchar(max), CONVERT(varbinary(max), t."c"), 2) FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', N'SRID=' + CONVERT(nvarchar(11), t."c".STSrid) + N';' + t."c".AsTextZM() FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(t."c", 'BaseType')) + N':' + CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(t."c", 'BaseType')) WHEN 'float' THEN CONVERT(nvarchar(4000), CONVERT(float, t."c"), 3) WHEN 'real' THEN CONVERT(nvarchar(4000), CONVERT(float, CONVERT(real, t."c")), 3) WHEN 'money' THEN CONVERT(nvarchar(4000), CONVERT(money, t."c"), 2) WHEN 'smallmoney' THEN CONVERT(nvarchar(4000), CONVERT(smallmoney, t."c"), 2) WHEN 'date' THEN CONVERT(nvarchar(4000), CONVERT(date, t."c"), 23) WHEN 'datetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime, t."c"), 126) WHEN 'smalldatetime' THEN CONVERT(nvarchar(4000), CONVERT(smalldatetime, t."c"), 126) WHEN 'datetime2' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(7), t."c"), 126) WHEN 'datetimeoffset' THEN CONVERT(nvarchar(4000), CONVERT(datetimeoffset(7), t."c"), 121) WHEN 'time' THEN CONVERT(nvarchar(4000), CONVERT(time(7), t."c"), 121) WHEN 'binary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), t."c"), 2) WHEN 'varbinary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), t."c"), 2) WHEN 'varchar' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), t."c")) WHEN 'char' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), t."c")) ELSE CONVERT(nvarchar(max), CONVERT(nvarchar(4000), t."c")) END FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(t."c", 'BaseType')) + N':' + CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(t."c", 'BaseType')) WHEN 'float' THEN CONVERT(nvarchar(4000), CONVERT(float, t."c"), 3) WHEN 'real' THEN CONVERT(nvarchar(4000), CONVERT(float, CONVERT(real, t."c")), 3) WHEN 'money' THEN CONVERT(nvarchar(4000), CONVERT(money, t."c"), 2) WHEN 'smallmoney' THEN CONVERT(nvarchar(4000), CONVERT(smallmoney, t."c"), 2) WHEN 'date' THEN CONVERT(nvarchar(4000), CONVERT(date, t."c"), 23) WHEN 'datetime' THEN CONVERT(nvarchar(4000), CONVERT(datetime, t."c"), 126) WHEN 'smalldatetime' THEN CONVERT(nvarchar(4000), CONVERT(smalldatetime, t."c"), 126) WHEN 'datetime2' THEN CONVERT(nvarchar(4000), CONVERT(datetime2(7), t."c"), 126) WHEN 'datetimeoffset' THEN CONVERT(nvarchar(4000), CONVERT(datetimeoffset(7), t."c"), 121) WHEN 'time' THEN CONVERT(nvarchar(4000), CONVERT(time(7), t."c"), 121) WHEN 'binary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), t."c"), 2) WHEN 'varbinary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), t."c"), 2) WHEN 'varchar' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), t."c")) WHEN 'char' THEN CONVERT(nvarchar(max), CONVERT(varchar(8000), t."c")) ELSE CONVERT(nvarchar(max), CONVERT(nvarchar(4000), t."c")) END FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;

SELECT '0', CONVERT(nvarchar(max), t."c") FROM "dbo"."orders" AS t WHERE 1 = 1;
