// uWebSockets.js, as its examples show a room: everybody subscribes to a topic. Arguments: port.
import uWS from "@btc-vision/uwebsockets.js";

const decoder = new TextDecoder();
const app = uWS.App();

app.ws("/", {
  maxBackpressure: 1 << 20, // past it messages are dropped, and lost ones cost nothing
  open: (socket) => socket.subscribe("room"),
  message: (_socket, message, isBinary) => {
    JSON.parse(decoder.decode(message));
    app.publish("room", message, isBinary);
  },
});

app.listen("127.0.0.1", Number(process.argv[2]), (listening) => {
  if (!listening) throw new Error("the port is not free");
});
