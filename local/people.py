"""Two staff accounts in the emulator's user pool, one for each role, with generated passwords."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from local.emulator import Emulator


@dataclass(frozen=True)
class Login:
    """A person who can sign in to the staff's page."""

    email: str
    name: str
    role: str
    password: str


def seed(emulator: Emulator, pool: str, kept: Path) -> list[Login]:
    """Create the accounts in the pool and return them, as the JSON file `kept` names them.

    The file is made if it is missing, so that passwords survive a restart.
    """
    people = _known(kept)
    client = emulator.client("cognito-idp")
    for each in people:
        who = {"UserPoolId": pool, "Username": each.email}
        attributes = {"email": each.email, "email_verified": "true", "name": each.name}
        try:
            client.admin_create_user(
                **who,
                UserAttributes=[
                    {"Name": name, "Value": value} for name, value in attributes.items()
                ],
                MessageAction="SUPPRESS",
            )
        except client.exceptions.UsernameExistsException:
            pass  # from an earlier run
        client.admin_set_user_password(**who, Password=each.password, Permanent=True)
        client.admin_add_user_to_group(**who, GroupName=each.role)
    return people


def _known(kept: Path) -> list[Login]:
    if not kept.exists():
        made = [
            Login("agent@tauberwerk.example", "Anna Agent", "agent", secrets.token_hex(6)),
            Login(
                "supervisor@tauberwerk.example",
                "Sam Supervisor",
                "supervisor",
                secrets.token_hex(6),
            ),
        ]
        kept.touch(mode=0o600)
        kept.write_text(json.dumps([asdict(each) for each in made], indent=2) + "\n")
    return [Login(**each) for each in json.loads(kept.read_text())]
