# Run it with: wsadmin.sh -username USER -lang jython -f import-certificates.py
# (wsadmin asks for that user's password).
print AdminTask.tklmCertImport('[-fileName /opt/keys/OUR.TLS.001.crt -alias our.tls.001 -format base64 -keyStoreName defaultKeyStore -usage DS8000]')
