# A certificate for nobody, made at the first start; the volume of compose.example.yml keeps it.
set -e
certs=/etc/nginx/certs
if [ ! -e "$certs/default.crt" ]; then
  mkdir -p "$certs"
  openssl req -quiet -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=example.org \
    -keyout "$certs/default.key" -out "$certs/default.crt"
fi
exec nginx -g 'daemon off;'
