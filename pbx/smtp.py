# SPDX-License-Identifier: Apache-2.0
"""Mails through the SMTP server of [mail]."""

from email.message import EmailMessage

import aiosmtplib

from switchroom.pbx.apps.voicemail.mailer import MailError
from switchroom.pbx.config_voicemail import MailConfig


class Smtp:
    """Delivers a mail at a time, each over a connection of its own."""

    def __init__(self, config: MailConfig) -> None:
        self._config = config

    async def send(self, mail: EmailMessage) -> None:
        """Raises MailError."""
        config = self._config
        try:
            await aiosmtplib.send(
                mail,
                hostname=config.host,
                port=config.port,
                use_tls=config.security == "tls",
                start_tls=config.security == "starttls",
                username=config.user or None,
                password=config.password.reveal() or None,
                timeout=config.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise MailError(str(error), permanent=all(code >= 500 for code in codes)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise MailError(f"{error.code} {error.message}", permanent=error.code in (550, 551, 552, 553)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailError(str(error) or type(error).__name__) from error
