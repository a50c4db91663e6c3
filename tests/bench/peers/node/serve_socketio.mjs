// socket.io with its Redis adapter, as its documentation shows it. Arguments: port, Redis URL.
import { createServer } from "node:http";

import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const publisher = createClient({ url: process.argv[3] });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const server = new Server(http, { adapter: createAdapter(publisher, subscriber) });

server.on("connection", (socket) => {
  socket.join("room");
  socket.on("message", (data) => server.to("room").emit("message", data));
});

http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
