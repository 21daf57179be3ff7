"""The vendor's next document, which is the checkout's with the changes of a real release, and the patches for it."""

from pathlib import Path

from tests.spec_update.checkout import ALL_SCHEMES, NAME, SECURITY, STATUS, changed

BY_HAND = Path(__file__).with_name("by_hand.patch")
SNAPSHOTS = Path(__file__).with_name("snapshots.patch")
PATCHES = BY_HAND, SNAPSHOTS

EDITS = [
    (NAME, NAME.replace("id", "token_name")),
    ("The ID of the token to delete.", "The name of the token to delete."),
    STATUS,
    (SECURITY, ALL_SCHEMES),
    (
        "components:\n  parameters:\n",
        """  /api/v3/configure/token/admin/regenerate:
    post:
      operationId: PostRegenerateAdminToken
      summary: Regenerate the operator token
      responses:
        '201':
          description: Success. The response contains the new operator token.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/AdminTokenObject'
        '401':
          $ref: '#/components/responses/Unauthorized'
      tags:
        - Auth token
  /api/v3/configure/token/named_admin:
    post:
      operationId: PostCreateNamedAdminToken
      summary: Create an admin token with a name
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties:
                token_name:
                  type: string
                  description: The name of the token to create.
                expiry_secs:
                  type: integer
                  description: After how many seconds the token expires.
                  nullable: true
              required:
                - token_name
      responses:
        '201':
          description: Success. The response contains the new token.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/AdminTokenObject'
        '401':
          $ref: '#/components/responses/Unauthorized'
        '409':
          description: Another token has this name.
      tags:
        - Auth token
components:
  parameters:
""",
    ),
]


def drifted():
    """Writes the document, and returns its path."""
    return changed(*EDITS, name="drifted.yaml")
