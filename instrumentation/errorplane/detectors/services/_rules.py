"""What secrets of well-known services look like: the table behind ``errorplane.detectors.secrets``.

Derived from the rules of gitleaks 8.28.0 (https://github.com/gitleaks/gitleaks, MIT License, Copyright (c) 2019
Zachary Rice; its text stands in docs/licences/gitleaks.txt), and from issuers' own pages for what stands below a line
of dashes. Left out are rules for public identifiers, for whole files and for any value beside a usual word, and those
that look like names in code. Letters that may be in either case are written out, and boundaries are added by
``errorplane.detectors.secrets``.

A line has the rule's name, a literal that every match holds, and the expression after that literal; one that begins
with ``^`` is the whole expression. A ``$`` at its end: no letter, digit, dash or underscore follows. Else these belong
to the secret, since issuers lengthen theirs.
"""

from __future__ import annotations

GITHUB = r"""
github-pat ghp_ [0-9A-Za-z]{36}
github-oauth gho_ [0-9A-Za-z]{36}
github-app-token ghu_ [0-9A-Za-z]{36}
github-app-token ghs_ [0-9A-Za-z]{36}
github-refresh-token ghr_ [0-9A-Za-z]{36}
github-fine-grained-pat github_pat_ [0-9A-Za-z_]{22}
"""
GITLAB = r"""
gitlab-pat glpat- [0-9A-Za-z_-]{20}[0-9A-Za-z_.-]*
gitlab-cicd-job-token glcbt- [0-9A-Za-z]{1,5}_[0-9A-Za-z_-]{20}
gitlab-deploy-token gldt- [0-9A-Za-z_-]{20}
gitlab-feature-flag-client-token glffct- [0-9A-Za-z_-]{20}
gitlab-feed-token glft- [0-9A-Za-z_-]{20}
gitlab-incoming-mail-token glimt- [0-9A-Za-z_-]{25}
gitlab-kubernetes-agent-token glagent- [0-9A-Za-z_-]{50}
gitlab-oauth-app-secret gloas- [0-9A-Za-z_-]{64}
gitlab-ptt glptt- [0-9a-f]{40}
gitlab-rrt GR1348941 [0-9A-Za-z_-]{20}
gitlab-runner-authentication-token glrt- [0-9A-Za-z_-]{20}[0-9A-Za-z_.-]*
gitlab-scim-token glsoat- [0-9A-Za-z_-]{20}
gitlab-session-cookie _gitlab_session =[0-9a-z]{32}
"""
SLACK = r"""
slack-app-token xapp- [0-9]-[0-9A-Za-z-]{10}
slack-token xoxa- [0-9A-Za-z-]{10}
slack-bot-token xoxb- [0-9A-Za-z-]{10}
slack-config-token xoxe- [0-9A-Za-z-]{10}
slack-config-access-token xoxe. xox[bp]-[0-9]-[0-9A-Za-z]{20}
slack-legacy-token xoxo- [0-9A-Za-z-]{10}
slack-user-token xoxp- [0-9A-Za-z-]{10}
slack-legacy-workspace-token xoxr- [0-9A-Za-z-]{10}
slack-legacy-token xoxs- [0-9A-Za-z-]{10}
slack-webhook-url hooks.slack.com /(?:services|workflows|triggers)/[0-9A-Za-z+/]{20,100}
---------------------------------------------------------
slack-cookie xoxd- [0-9A-Za-z%+/-]{20,400}
"""
STRIPE = r"""
stripe-access-token sk_live_ [0-9A-Za-z]{10}
stripe-access-token sk_test_ [0-9A-Za-z]{10}
stripe-access-token sk_prod_ [0-9A-Za-z]{10}
stripe-access-token rk_live_ [0-9A-Za-z]{10}
stripe-access-token rk_test_ [0-9A-Za-z]{10}
stripe-access-token rk_prod_ [0-9A-Za-z]{10}
---------------------------------------------------------
stripe-webhook-secret whsec_ [0-9A-Za-z+/]{24,}={0,2}
"""
GOOGLE = r"""
gcp-api-key AIza [0-9A-Za-z_-]{35}
---------------------------------------------------------
gcp-oauth-client-secret GOCSPX- [0-9A-Za-z_-]{20}
gcp-oauth-access-token ya29. [0-9A-Za-z_.-]{20,}
gcp-hmac-key-id GOOG1E [0-9A-Z]{50}$
gcp-oauth-refresh-token 1//0 [0-9A-Za-z_-]{35}
"""
OTHERS = r"""
1password-secret-key A3- [0-9A-Z]{6}-(?:[0-9A-Z]{11}|[0-9A-Z]{6}-[0-9A-Z]{5})-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}$
1password-service-account-token ops_eyJ [0-9A-Za-z+/]{40,}={0,3}
adobe-client-secret p8e- [0-9A-Za-z]{32}
age-secret-key AGE-SECRET-KEY-1 [0-9A-Z]{40}
airtable-personal-access-token pat ^pat[0-9A-Za-z]{14}\.[0-9a-f]{64}$
alibaba-access-key-id LTAI [0-9A-Za-z]{20}$
anthropic-api-key sk-ant- [0-9A-Za-z_-]{16}
artifactory-api-key AKCp [0-9A-Za-z]{69}$
artifactory-reference-token cmVmd [0-9A-Za-z]{59}$
atlassian-api-token ATATT3 [0-9A-Za-z_=-]{60,}
authress-service-client-access-key scauth_ [0-9A-Za-z]{5,30}\.[0-9A-Za-z]{4,6}\.acc[_-][0-9A-Za-z-]{10,32}\.[0-9A-Za-z+/_=-]{30,120}
authress-service-client-access-key authress_ [0-9A-Za-z]{5,30}\.[0-9A-Za-z]{4,6}\.acc[_-][0-9A-Za-z-]{10,32}\.[0-9A-Za-z+/_=-]{30,120}
azure-ad-client-secret Q~ ^[0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}
clickhouse-cloud-api-secret-key 4b1d [0-9A-Za-z]{38}$
clojars-api-token CLOJARS_ [0-9a-z]{60}
cloudflare-origin-ca-key v1.0- [0-9a-f]{24}-[0-9a-f]{146}
databricks-api-token dapi [0-9a-f]{32}(?:-[0-9])?$
defined-networking-api-token dnkey- [0-9A-Za-z=_-]{26}-[0-9A-Za-z=_-]{52}
digitalocean-access-token doo_v1_ [0-9a-f]{64}
digitalocean-pat dop_v1_ [0-9a-f]{64}
digitalocean-refresh-token dor_v1_ [0-9a-f]{64}
doppler-api-token dp.pt. [0-9A-Za-z]{40}
duffel-api-token duffel_test_ [0-9A-Za-z_=-]{43}
duffel-api-token duffel_live_ [0-9A-Za-z_=-]{43}
dynatrace-api-token dt0c01. [0-9A-Za-z]{24}\.[0-9A-Za-z]{64}
easypost-api-token EZAK [0-9A-Za-z]{54}$
easypost-test-api-token EZTK [0-9A-Za-z]{54}$
facebook-page-access-token EAAC [0-9A-Za-z]{100}
facebook-page-access-token EAAM [0-9A-Za-z]{100}
flutterwave-secret-key FLWSECK_TEST- [0-9A-Za-z]{12}
flyio-access-token fo1_ [0-9A-Za-z_-]{43}
flyio-access-token fm1a_ [0-9A-Za-z+/]{100,}={0,3}
flyio-access-token fm1r_ [0-9A-Za-z+/]{100,}={0,3}
flyio-access-token fm2_ [0-9A-Za-z+/]{100,}={0,3}
frameio-api-token fio-u- [0-9A-Za-z_=-]{64}
grafana-cloud-api-token glc_ [0-9A-Za-z+/]{32,400}={0,3}
grafana-service-account-token glsa_ [0-9A-Za-z]{32}
harness-api-key pat. [0-9A-Za-z_-]{22}\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{20}$
harness-api-key sat. [0-9A-Za-z_-]{22}\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{20}$
hashicorp-tf-api-token .atlasv1. ^[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,70}
heroku-api-key-v2 HRKU-AA [0-9A-Za-z_-]{58}
huggingface-access-token hf_ [0-9A-Za-z]{30}
huggingface-organization-api-token api_org_ [0-9A-Za-z]{34}
infracost-api-token ico- [0-9A-Za-z]{32}$
intra42-client-secret s-s4t2ud- [0-9a-f]{64}
intra42-client-secret s-s4t2af- [0-9a-f]{64}
linear-api-key lin_api_ [0-9A-Za-z]{40}
lob-api-key live_ [0-9a-f]{35}$
lob-api-key test_ [0-9a-f]{35}$
mailchimp-api-key -us ^[0-9a-f]{32}-us[0-9]{1,2}$
mailgun-private-api-token key- [0-9a-f]{32}$
maxmind-license-key _mmk ^[0-9A-Za-z]{6}_[0-9A-Za-z]{29}_mmk$
microsoft-teams-webhook .webhook.office.com /webhookb2/[0-9a-z-]{36}@[0-9a-z-]{36}/IncomingWebhook/[0-9a-z]{32}(?:/[0-9a-z-]{36})?
new-relic-browser-api-token NRJS- [0-9a-f]{19}
new-relic-insert-key NRII- [0-9A-Za-z-]{32}
new-relic-user-api-key NRAK- [0-9A-Za-z]{27}
notion-api-token ntn_ [0-9]{11}[0-9A-Za-z]{35}
npm-access-token npm_ [0-9A-Za-z]{36}
octopus-deploy-api-key API- [0-9A-Z]{26}$
openai-api-key sk-proj- [0-9A-Za-z_-]{16}
openai-api-key sk-svcacct- [0-9A-Za-z_-]{16}
openai-api-key sk-admin- [0-9A-Za-z_-]{40}
openai-api-key sk- [0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}
openshift-user-token sha256~ [0-9A-Za-z_-]{43}
perplexity-api-key pplx- [0-9A-Za-z]{48}
plaid-api-token access-sandbox- [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
plaid-api-token access-development- [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
plaid-api-token access-production- [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
planetscale-api-token pscale_tkn_ [0-9A-Za-z_=.-]{32,64}
planetscale-oauth-token pscale_oauth_ [0-9A-Za-z_=.-]{32,64}
planetscale-password pscale_pw_ [0-9A-Za-z_=.-]{32,64}
postman-api-token PMAK- [0-9A-Za-z]{24}-[0-9A-Za-z]{34}
prefect-api-token pnu_ [0-9A-Za-z]{36}$
pulumi-api-token pul- [0-9a-f]{40}$
pypi-upload-token pypi-AgEI [0-9A-Za-z_-]{20}
readme-api-token rdme_ [0-9a-z]{70}
rubygems-api-token rubygems_ [0-9a-f]{48}
scalingo-api-token tk-us- [0-9A-Za-z_-]{48}
sendgrid-api-token SG. [0-9A-Za-z_-]{16,64}(?:\.[0-9A-Za-z_.-]{16,64})?
sendinblue-api-token xkeysib- [0-9a-f]{64}-[0-9A-Za-z]{16}
sentry-org-token sntrys_eyJ [0-9A-Za-z+/]{20,500}={0,2}_[0-9A-Za-z+/]{43}
sentry-user-token sntryu_ [0-9a-f]{64}
settlemint-access-token sm_aat_ [0-9A-Za-z]{16}
settlemint-access-token sm_pat_ [0-9A-Za-z]{16}
settlemint-access-token sm_sat_ [0-9A-Za-z]{16}
shippo-api-token shippo_test_ [0-9A-Fa-f]{40}
shippo-api-token shippo_live_ [0-9A-Fa-f]{40}
shopify-access-token shpat_ [0-9A-Fa-f]{32}
shopify-custom-access-token shpca_ [0-9A-Fa-f]{32}
shopify-private-app-access-token shppa_ [0-9A-Fa-f]{32}
shopify-shared-secret shpss_ [0-9A-Fa-f]{32}
sourcegraph-access-token sgp_local_ [0-9A-Fa-f]{40}$
sourcegraph-access-token sgp_ [0-9A-Fa-f]{40}$
sourcegraph-access-token sgp_ [0-9A-Fa-f]{16}_[0-9A-Fa-f]{40}$
square-access-token sq0atp- [0-9A-Za-z_-]{22}
sumologic-access-key sumo ^sumo[0-9A-Za-z]{60}$
telegram-bot-api-token bot ^bot[0-9]{8,16}:A[0-9A-Za-z_-]{34}$
telegram-bot-api-token :A ^[0-9]{8,16}:A[0-9A-Za-z_-]{34}$
twilio-api-key SK [0-9A-Fa-f]{32}$
typeform-api-token tfp_ [0-9A-Za-z_.=-]{59}
vault-batch-token hvb. [0-9A-Za-z_-]{40}
vault-service-token hvs. [0-9A-Za-z_-]{24}
yandex-access-token t1. [0-9A-Za-z_-]{40,300}={0,2}\.[0-9A-Za-z_-]{86}
yandex-api-key AQVN [0-9A-Za-z_-]{35,38}$
---------------------------------------------------------
aws-bedrock-api-key ABSK [0-9A-Za-z+/]{80,}={0,2}
cloudinary-url cloudinary:// [0-9]{10,20}:[0-9A-Za-z_-]{20,40}
contentful-pat CFPAT- [0-9A-Za-z_-]{40}
discord-webhook-url /webhooks/ [0-9]{15,20}/[0-9A-Za-z_-]{60}
docker-pat dckr_pat_ [0-9A-Za-z_-]{20}
docker-org-token dckr_oat_ [0-9A-Za-z_-]{20}
doppler-token dp.st. [0-9A-Za-z_.-]{40,80}
dropbox-short-lived-api-token sl. [0-9A-Za-z_-]{130}
figma-pat figd_ [0-9A-Za-z_-]{35}
groq-api-key gsk_ [0-9A-Za-z]{48}
linear-oauth-token lin_oauth_ [0-9A-Za-z]{32}
nvidia-api-key nvapi- [0-9A-Za-z_-]{50}
openai-legacy-api-key sk- [0-9A-Za-z]{40,64}$
openrouter-api-key sk-or- [0-9A-Za-z_-]{16}
postmark-or-pagerduty-url events.pagerduty.com /integration/[0-9a-f]{32}
replicate-api-token r8_ [0-9A-Za-z]{37}$
resend-api-key re_ [0-9A-Za-z]{8}_[0-9A-Za-z]{24}$
square-secret sq0csp- [0-9A-Za-z_-]{43}
supabase-token sbp_ [0-9a-f]{40}
tailscale-key tskey- [a-z]{2,10}-[0-9A-Za-z]{8,40}-[0-9A-Za-z]{20,60}
vercel-token vercel_ [0-9A-Za-z]{24}$
xai-api-key xai- [0-9A-Za-z]{70}
"""

# Services whose secrets have no prefix: the name, then characters (h: hexadecimal, a: alphanumeric, w: also = _ and -,
# u: UUID) and lengths. They count after a name such as ``travis_token`` or ``DISCORD_CLIENT_SECRET``.
SERVICES = """
adafruit w32
adobe h32
airtable a17
algolia a32
alibaba a30
asana a32
atlassian a24
beamer w46
bitbucket a32 w64
bittrex a32
cloudflare w40 h37
codecov a32
cohere a40
coinbase w64
confluence a24
confluent a16 a64
contentful w43
datadog a40 h32
discord h64 w32
droneci a32
dropbox a15 w64
etsy a24
facebook h32
fastly w32
finicity h32 a20
finnhub a20
flickr a32
freshbooks a64
gitter w40
gocardless w45
heroku u
hubspot u
intercom w60
jfrog a73 a64
artifactory a73 a64
bintray a73 a64
jira a24
kraken w80-90
kucoin h24 u
launchdarkly w40
linear h32
linkedin a16
mailgun w50
mattermost a26
meraki h40
messagebird a25
netlify w40-46
newrelic a64
new-relic a64
new_relic a64
nytimes w32
okta w42
plaid a30
privateai a32
private_ai a32
rapidapi w50
sendbird h40
sentry h64
snyk u
sonar w40
sourcegraph h40
squarespace u
sumo a64
travis a22
twitch a30
twitter a45 a25 a50 w40-70
yandex w40
zendesk a40
"""
