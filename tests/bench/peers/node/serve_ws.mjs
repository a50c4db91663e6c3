// ws, as its README shows a broadcast: one `send` after the other. Arguments: port.
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });

server.on("connection", (socket) => {
  socket.on("error", () => {}); // a client that is gone is no reason to end
  socket.on("message", (data, isBinary) => {
    JSON.parse(data);
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});
