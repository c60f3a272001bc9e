"""A LiveKit agent whose sessions livekit-airtable receives without any code for it: the agents SDK uploads them by itself.

    pip install "livekit-agents>=1.8.9"
    export LIVEKIT_URL=wss://your-project.livekit.cloud LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    export LIVEKIT_OBSERVABILITY_URL=https://calls.example.com
    python uploading_agent.py dev

livekit-agents 1.5.1 is the first version that reads LIVEKIT_OBSERVABILITY_URL, which LiveKit does not document. agent.py has the documented way.
"""

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

# Hours of audio take longer to upload than the 10 s that a job has by default.
server = AgentServer(shutdown_process_timeout=60.0)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    session = AgentSession(
        stt="deepgram/nova-3",
        llm="openai/gpt-4.1-mini",
        tts="cartesia/sonic-3",
    )
    ava = Agent(instructions="You are Ava, the friendly receptionist of Acme Dental.")
    # What the SDK uploads. The audio becomes the call's recording if LiveKit's egress fails.
    record = {"transcript": True, "audio": True, "traces": False, "logs": False}
    await session.start(ava, room=ctx.room, record=record)
    await session.generate_reply(instructions="Greet the caller and ask how you can help.")


if __name__ == "__main__":
    cli.run_app(server)
