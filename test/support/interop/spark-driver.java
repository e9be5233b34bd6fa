/*
 * Spark with Delta behind standard input and output: one JSON request a line, one JSON answer a line, in any order.
 * It ends when its input ends, so it cannot outlive whoever started it.
 *
 *   {"id": 1, "session": "a", "sql": "SELECT 1"}  ->  {"id": 1, "columns": [{"name": "1", "type": "int"}], "rows": [["1"]]}
 *   a statement that fails                        ->  {"id": 1, "error": {"class": "DIVIDE_BY_ZERO", "message": "..."}}
 *
 * Requests with the same session see each other's temporary views and settings. Cells have the form that wire.ts reads.
 */
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.collection.Iterable;
import scala.jdk.javaapi.CollectionConverters;

final class SparkDriver {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS");

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        // Whatever a library prints must not stand between the answers.
        System.setOut(System.err);
        SparkSession spark = SparkSession.builder().getOrCreate();
        spark.sparkContext().setLogLevel("ERROR");
        ObjectMapper mapper = new ObjectMapper();
        Map<String, SparkSession> sessions = new ConcurrentHashMap<>();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        write(answers, "{\"ready\":true}");
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            JsonNode request = mapper.readTree(line);
            pool.execute(() -> {
                String name = request.get("session").asText();
                SparkSession session = sessions.computeIfAbsent(name, unused -> spark.newSession());
                ObjectNode answer = answer(session, request.get("sql").asText());
                answer.set("id", request.get("id"));
                write(answers, answer.toString());
            });
        }
        // The caller is gone; nobody waits for what still runs.
        Runtime.getRuntime().halt(0);
    }

    private static void write(PrintStream to, String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (to) {
            to.write(bytes, 0, bytes.length);
            to.flush();
        }
    }

    private static ObjectNode answer(SparkSession session, String statement) {
        ObjectNode answer = JSON.objectNode();
        try {
            Dataset<Row> result = session.sql(statement);
            StructType schema = result.schema();
            ArrayNode rows = JSON.arrayNode();
            for (Row row : result.collectAsList()) rows.add(cells(row, schema, JSON.arrayNode()));
            ArrayNode columns = answer.putArray("columns");
            for (StructField field : schema.fields()) {
                columns.addObject().put("name", field.name()).put("type", field.dataType().catalogString());
            }
            answer.set("rows", rows);
        } catch (Throwable error) {
            answer.removeAll();
            answer.set("error", describe(error));
        }
        return answer;
    }

    /** The first error with a class of Spark's own; what a task failed with lies among the causes. */
    private static ObjectNode describe(Throwable error) {
        Throwable told = error;
        for (Throwable at = error; at != null; at = at.getCause()) {
            if (at instanceof SparkThrowable known && known.getCondition() != null) {
                told = at;
                break;
            }
        }
        ObjectNode described = JSON.objectNode();
        described.put("class", told instanceof SparkThrowable known ? known.getCondition() : told.getClass().getName());
        return described.put("message", String.valueOf(told.getMessage()));
    }

    private static ArrayNode cells(Row row, StructType schema, ArrayNode into) {
        for (int i = 0; i < schema.length(); i++) into.add(cell(row.get(i), schema.fields()[i].dataType()));
        return into;
    }

    private static JsonNode cell(Object value, DataType type) {
        if (value == null) return JSON.nullNode();
        if (value instanceof Boolean bool) return JSON.booleanNode(bool);
        if (value instanceof Float number) return tagged("f", JSON.textNode(Double.toString(number.doubleValue())));
        if (value instanceof Double number) return tagged("f", JSON.textNode(number.toString()));
        if (value instanceof BigDecimal decimal) return JSON.textNode(decimal.toPlainString());
        if (value instanceof byte[] bytes) return JSON.textNode(HexFormat.of().withUpperCase().formatHex(bytes));
        if (value instanceof Instant time) return JSON.textNode(TIME.format(time.atOffset(ZoneOffset.UTC)) + "Z");
        if (value instanceof LocalDateTime time) return JSON.textNode(TIME.format(time));
        if (type instanceof StructType struct) return struct((Row) value, struct);
        if (type instanceof ArrayType array) {
            ArrayNode items = JSON.arrayNode();
            for (Object item : CollectionConverters.asJava((Iterable<?>) value)) items.add(cell(item, array.elementType()));
            return tagged("a", items);
        }
        if (type instanceof MapType map) {
            ArrayNode entries = JSON.arrayNode();
            CollectionConverters.asJava((scala.collection.Map<?, ?>) value).forEach((key, item) ->
                entries.addArray().add(cell(key, map.keyType())).add(cell(item, map.valueType())));
            return tagged("m", entries);
        }
        return JSON.textNode(value.toString());
    }

    private static ArrayNode struct(Row row, StructType type) {
        ArrayNode fields = JSON.arrayNode();
        for (int i = 0; i < type.length(); i++) {
            StructField field = type.fields()[i];
            fields.addArray().add(field.name()).add(cell(row.get(i), field.dataType()));
        }
        return tagged("s", fields);
    }

    private static ArrayNode tagged(String tag, JsonNode content) {
        return JSON.arrayNode().add(tag).add(content);
    }
}
